import { create } from "@bufbuild/protobuf";
import { AttendRequestSchema, type AttendResponse } from "@moult/contracts/v1";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestCoordinator } from "../testing/coordinator.ts";
import { buildOf } from "../testing/network.ts";
import type { TestDevice } from "../testing/device.ts";
import { refusedWith } from "../testing/refusal.ts";
import { type Listened, listen } from "../testing/stream.ts";
import { until } from "../testing/wait.ts";
import { signedOverride } from "../testing/override.ts";

let home: TestCoordinator;
beforeAll(async () => {
  home = await TestCoordinator.start();
  await home.release(buildOf("2.0.0", 2), "2.0.0");
});
afterAll(() => home.stop());

const REUSED = "ALREADY_EXISTS REQUEST_ID_REUSED";
const RELEASE = "releases/2.0.0";

/** A device's stream, opened; the first pulse shows that it has reached the coordinator. */
async function attend(device: TestDevice): Promise<Listened<AttendResponse>> {
  const stream = device.clients.agent.attend({ bearer: device.token });
  const listened = listen(stream);
  const report = device.reportRequest({ case: "pulse", value: { situation: { endpoint: "10.0.0.1:1" } } });
  stream.write(create(AttendRequestSchema, { message: { case: "report", value: report } }));
  const { fleet, viewer } = home.clients;
  await until("the first pulse", async () => {
    const { node } = await fleet.getNode({ name: device.node }, viewer);
    return node?.situation?.endpoint === "10.0.0.1:1" || undefined;
  });
  return listened;
}

test("a nudge reaches the nodes it names that attend, and says how many it meant and told", async () => {
  const near = await home.device();
  const far = await home.device();
  const nearStream = await attend(near);
  const farStream = await attend(far);
  const { rollout, operator } = home.clients;
  const absent = (await home.device()).node;
  const nudge = await rollout.nudgeNodes({ nodes: [near.node, absent], release: RELEASE }, operator);
  expect([nudge.told, nudge.meant]).toEqual([1, 2]);
  await nearStream.find("the nudge", ({ message }) => message.case === "nudge" && message.value.release === RELEASE);
  expect((await rollout.nudgeNodes({}, operator)).told).toBe(2);
  await farStream.find("the nudge", ({ message }) => message.case === "nudge" && message.value.release === "");
  expect(farStream.messages).toHaveLength(1);
  nearStream.cancel();
  farStream.cancel();
  await until("nobody attends", async () => (await rollout.nudgeNodes({}, operator)).told === 0 || undefined);
});

test("a nudge with a request_id is sent once", async () => {
  const device = await home.device();
  const stream = await attend(device);
  const { rollout, operator } = home.clients;
  const request = { nodes: [device.node], release: RELEASE, requestId: "nudge-1" };
  const first = await rollout.nudgeNodes(request, operator);
  expect(first.told).toBe(1);
  await stream.find("the nudge", ({ message }) => message.case === "nudge");
  stream.cancel();
  await until("nobody attends", async () => (await rollout.nudgeNodes({}, operator)).told === 0 || undefined);
  expect(await rollout.nudgeNodes(request, operator)).toEqual(first);
  expect(stream.messages).toHaveLength(1);
  expect(await refusedWith(rollout.nudgeNodes({ ...request, nodes: [] }, operator))).toBe(REUSED);
});

test("the brake is told to nodes that attend, and to those that come later", async () => {
  const early = await attend(await home.device());
  const { rollout, operator } = home.clients;
  const { brake } = await rollout.engageBrake({ reason: "smoke" }, operator);
  expect(brake).toMatchObject({ engaged: true, reason: "smoke" });
  const isBrake =
    (engaged: boolean) =>
    ({ message }: AttendResponse) =>
      message.case === "brake" && message.value.engaged === engaged;
  await early.find("the brake", isBrake(true));
  const late = await attend(await home.device());
  await late.find("the brake", isBrake(true));
  expect((await rollout.engageBrake({ reason: "again" }, operator)).brake?.reason).toBe("smoke");
  await rollout.releaseBrake({ reason: "steam" }, operator);
  await Promise.all([early, late].map((stream) => stream.find("the release", isBrake(false))));
  expect((await rollout.getBrake({}, operator)).brake).toMatchObject({ engaged: false, reason: "steam" });
  early.cancel();
  late.cancel();
});

test("a bad report on the stream ends it with a reason, also where the device reads nothing", async () => {
  const device = await home.device();
  const stream = device.clients.agent.attend({ bearer: device.token });
  const listened = listen(stream);
  const report = device.reportRequest({ case: "pulse", value: { situation: { loadRps: Number.NaN } } });
  stream.write(create(AttendRequestSchema, { message: { case: "report", value: report } }));
  const error = await until("the refusal", () => listened.error());
  expect(await refusedWith(Promise.reject(error))).toBe("INVALID_ARGUMENT FIELD_INVALID");
});

test("a stream that the device ends, ends well", async () => {
  const device = await home.device();
  const stream = device.clients.agent.attend({ bearer: device.token });
  const listened = listen(stream);
  stream.end();
  await until("its end", () => listened.ended() || undefined);
  expect(listened.error()).toBeUndefined();
});

test("a turn of the dial with the same request_id is the same turn; for another request it is refused", async () => {
  const { rollout, operator } = home.clients;
  const turn = (fraction: number, requestId: string) =>
    rollout.setDial(
      { dial: { release: RELEASE, setting: { case: "share", value: { fraction } } }, requestId },
      operator,
    );
  const first = await turn(0.25, "dial-1");
  await turn(0.5, "dial-2");
  expect(await turn(0.25, "dial-1")).toEqual(first);
  const { dial } = await rollout.getDial({ release: RELEASE }, operator);
  expect(dial?.setting).toMatchObject({ case: "share", value: { fraction: 0.5 } });
  expect(await refusedWith(turn(0.75, "dial-1"))).toBe(REUSED);
  expect(await refusedWith(rollout.nudgeNodes({ requestId: "dial-1" }, operator))).toBe(REUSED);
  expect(await refusedWith(turn(0.75, "x".repeat(65)))).toBe("INVALID_ARGUMENT FIELD_INVALID");
  const unknown = { dial: { release: "releases/7.0.0" }, requestId: "dial-3" };
  expect(await refusedWith(rollout.setDial(unknown, operator))).toBe("NOT_FOUND RELEASE_UNKNOWN");
});

test("a deadline stands with the dial until the dial is turned without one", async () => {
  const { rollout, operator } = home.clients;
  const turn = (deadlineTime?: { readonly seconds: bigint; readonly nanos: number }) =>
    rollout.setDial({ dial: { release: RELEASE, ...(deadlineTime && { deadlineTime }) } }, operator);
  const deadline = { seconds: 1_900_000_000n, nanos: 500_000_000 };
  expect((await turn(deadline)).dial?.deadlineTime).toMatchObject(deadline);
  await home.down();
  await home.up();
  const { dial } = await home.clients.rollout.getDial({ release: RELEASE }, home.clients.operator);
  expect(dial?.deadlineTime).toMatchObject(deadline);
  const { rollout: again, operator: same } = home.clients;
  expect((await again.setDial({ dial: { release: RELEASE } }, same)).dial?.deadlineTime).toBeUndefined();
  const before1970 = { dial: { release: RELEASE, deadlineTime: { seconds: -1n, nanos: 0 } } };
  expect(await refusedWith(again.setDial(before1970, same))).toBe("INVALID_ARGUMENT FIELD_INVALID");
});

test("an override is made once a request_id, listed, and ends by hand or by time", async () => {
  const { rollout, operator } = home.clients;
  const override = { pool: "pools/home", reason: "drill", deficitMaxRps: 2 };
  const request = { ...signedOverride(override, 60), requestId: "override-1" };
  const [first, again] = await Promise.all([
    rollout.createOverride(request, operator),
    rollout.createOverride(request, operator),
  ]);
  expect(again).toEqual(first);
  const names = async (): Promise<readonly string[]> =>
    (await rollout.listOverrides({}, operator)).overrides.map(({ name }) => name);
  const name = first.override?.name ?? "";
  expect(await names()).toEqual([name]);
  const brief = await rollout.createOverride(signedOverride(override, 1), operator);
  home.putForward(2000);
  await until("the brief one's end", async () => !(await names()).includes(brief.override?.name ?? "") || undefined);
  expect(await names()).toEqual([name]);
  await rollout.deleteOverride({ name }, operator);
  await rollout.deleteOverride({ name }, operator);
  expect(await names()).toEqual([]);
});
