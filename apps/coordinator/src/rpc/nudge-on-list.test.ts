import { create } from "@bufbuild/protobuf";
import { AttendRequestSchema } from "@moult/contracts/v1";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestCoordinator } from "../testing/coordinator.ts";
import { WORKING } from "../testing/device.ts";
import { buildOf } from "../testing/network.ts";
import { listen } from "../testing/stream.ts";
import { until } from "../testing/wait.ts";

let home: TestCoordinator;
beforeAll(async () => {
  home = await TestCoordinator.start();
});
afterAll(() => home.stop());

test("a new list sends for those who attend, once a minute at most; a fresh timestamp does not", async () => {
  const device = await home.device();
  const stream = device.clients.agent.attend({ bearer: device.token });
  const heard = listen(stream);
  const nudges = (): number => heard.messages.filter(({ message }) => message.case === "nudge").length;
  const report = device.reportRequest({ case: "pulse", value: { situation: { ...WORKING, endpoint: "10.0.0.1:1" } } });
  stream.write(create(AttendRequestSchema, { message: { case: "report", value: report } }));
  const { fleet, rollout, viewer, operator } = home.clients;
  await until("the pulse", async () => {
    const { node } = await fleet.getNode({ name: device.node }, viewer);
    return node?.situation?.endpoint === "10.0.0.1:1" || undefined;
  });
  await home.allow(buildOf("2.0.0", 2));
  await until("the nudge", () => nudges() === 1 || undefined);
  await home.allow(buildOf("2.1.0", 3));
  home.putForward(61_000);
  await home.publish(home.network.publish());
  // What an operator sends comes after all that was sent before it.
  await rollout.nudgeNodes({}, operator);
  await until("the operator's nudge", () => nudges() === 2 || undefined);
  expect(nudges()).toBe(2);
  await home.allow(buildOf("2.2.0", 4));
  await until("the next nudge", () => nudges() === 3 || undefined);
  heard.cancel();
});
