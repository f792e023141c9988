/** A coordinator whose store does not keep up: what it refuses, in what order, and that it goes on when the store does. */
import { create } from "@bufbuild/protobuf";
import { AttendRequestSchema, ReportRequestSchema } from "@moult/contracts/v1";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Store } from "../store/port.ts";
import { TestCoordinator } from "../testing/coordinator.ts";
import { type TestDevice, WORKING, digestFor } from "../testing/device.ts";
import { refused, refusedWith } from "../testing/refusal.ts";
import { listen } from "../testing/stream.ts";
import { until } from "../testing/wait.ts";

const OVERLOADED = "RESOURCE_EXHAUSTED OVERLOADED";

let home: TestCoordinator;
/** What commits wait for. */
let gate: PromiseWithResolvers<void> | undefined;

function stalling(store: Store): Store {
  return {
    ...store,
    async commit(batch) {
      await gate?.promise;
      await store.commit(batch);
    },
  };
}

beforeEach(async () => {
  gate = undefined;
  home = await TestCoordinator.start({ around: stalling });
});
afterEach(async () => {
  gate?.resolve();
  await home.stop();
});

/** What the device has sent before has arrived: a call that is wrong is refused at once, and not before those. */
async function arrived(device: TestDevice): Promise<void> {
  await refused(device.ask({ bootId: "", permitId: "p" }));
}

test("refuses pulses, then asks, then leaves, and steps last; all that it let in is answered", async () => {
  const device = await home.device();
  gate = Promise.withResolvers();
  const answered: string[] = [];
  const letIn: Promise<unknown>[] = [];
  let sent = 0;
  /** Sends a call that must be let in; it waits with the store. */
  const waits = async (name: string, call: () => Promise<unknown>): Promise<void> => {
    sent += 1;
    letIn.push(call().then(() => answered.push(name)));
    await arrived(device);
  };
  const ask = (): Promise<unknown> => device.ask();
  const leave = (): Promise<unknown> => device.ask({ stagedDigest: digestFor("2.0.0") });
  const step = (): Promise<unknown> => device.ask({ permitId: "p", drained: true });
  const pulse = (): Promise<unknown> => device.pulse();

  await waits("ask", ask);
  home.putForward(3_000);
  const refusal = await refused(pulse());
  expect(`${refusal.code} ${refusal.reason}`).toBe(OVERLOADED);
  expect(refusal.retryAfterMs).toBeGreaterThan(0);
  await waits("ask", ask);
  home.putForward(2_000);
  expect(await refusedWith(ask())).toBe(OVERLOADED);
  await waits("leave", leave);
  home.putForward(2_000);
  expect(await refusedWith(leave())).toBe(OVERLOADED);
  await waits("step", step);
  home.putForward(2_000);
  expect(await refusedWith(step())).toBe(OVERLOADED);
  expect(answered).toEqual([]);

  gate.resolve();
  await Promise.all(letIn);
  expect(answered).toHaveLength(sent);
  await until("pulses are let in again", () => pulse().catch(() => undefined));
  await until("it is logged", () => home.logged.find(({ message }) => message === "more came than could be decided"));
});

test("pulses that came up a stream while they were refused are taken in afterwards", async () => {
  const device = await home.device();
  await device.ask();
  const { agent, fleet, viewer } = home.clients;
  const loadOf = async (): Promise<number> =>
    (await fleet.getNode({ name: device.node }, viewer)).node?.situation?.loadRps ?? 0;
  gate = Promise.withResolvers();
  const waiting = device.ask();
  await arrived(device);
  home.putForward(3_000);
  expect(await refusedWith(device.pulse())).toBe(OVERLOADED);
  const stream = agent.attend({ bearer: device.token });
  const heard = listen(stream);
  for (let loadRps = 3; loadRps <= 9; loadRps += 1) {
    const report = { case: "pulse" as const, value: { situation: { ...WORKING, loadRps } } };
    const value = create(ReportRequestSchema, device.reportRequest(report));
    stream.write(create(AttendRequestSchema, { message: { case: "report", value } }));
  }
  expect(await loadOf()).toBe(2);
  gate.resolve();
  await waiting;
  await until("the newest is taken in", async () => (await loadOf()) === 9 || undefined);
  heard.cancel();
});
