import { NodeState } from "@moult/contracts/v1";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TestCoordinator } from "../testing/coordinator.ts";
import { type TestDevice, WORKING } from "../testing/device.ts";
import { listen } from "../testing/stream.ts";

const FRESH_MS = 60_000;

let home: TestCoordinator;
let devices: readonly TestDevice[];
beforeEach(async () => {
  home = await TestCoordinator.start({ config: { capacity: { report_fresh_ms: FRESH_MS } } });
  devices = [await home.device(), await home.device(), await home.device()];
  for (const device of devices) await device.ask({ situation: { ...WORKING, loadRps: 3 } });
});
afterEach(() => home.stop());

async function restart(): Promise<void> {
  await home.down();
  await home.up();
  for (const device of devices) device.clients = home.clients;
}

async function pool(): Promise<object | undefined> {
  const { pools } = await home.clients.fleet.listPools({}, home.clients.viewer);
  const { capacityFreshRps, demandRps } = pools[0] ?? {};
  return { capacityFreshRps, demandRps };
}

async function states(): Promise<readonly (string | undefined)[]> {
  const watch = listen(home.clients.membership.watch({}, { bearer: home.clients.viewerToken }));
  const { members } = await watch.find("the snapshot", (message) => message.snapshot);
  watch.cancel();
  const byNode = new Map(members.map((member) => [member.node, NodeState[member.state]]));
  return devices.map((device) => byNode.get(device.node));
}

test("capacity starts at 0, demand where it was, and each report takes its place in both", async () => {
  expect(await pool()).toEqual({ capacityFreshRps: 30, demandRps: 9 });
  await restart();
  expect(await pool()).toEqual({ capacityFreshRps: 0, demandRps: 9 });
  await devices[0]?.pulse({ ...WORKING, loadRps: 1 });
  expect(await pool()).toEqual({ capacityFreshRps: 10, demandRps: 7 });
  await devices[1]?.pulse({ ...WORKING, loadRps: 1 });
  await devices[2]?.pulse({ ...WORKING, loadRps: 1 });
  expect(await pool()).toEqual({ capacityFreshRps: 30, demandRps: 3 });
});

test("nodes that served still serve for routers; one that was silent before is not shown as serving", async () => {
  home.putForward(FRESH_MS - 1000);
  await devices[0]?.pulse();
  await devices[1]?.pulse();
  const watch = listen(home.clients.membership.watch({}, { bearer: home.clients.viewerToken }));
  await watch.find("the snapshot", (message) => message.snapshot);
  home.putForward(2000);
  await watch.find("the silence", ({ members }) =>
    members.some((member) => member.node === devices[2]?.node && member.state === NodeState.LOST),
  );
  watch.cancel();
  await restart();
  expect(await states()).toEqual(["SERVING", "SERVING", "LOST"]);
  await devices[2]?.pulse();
  expect(await states()).toEqual(["SERVING", "SERVING", "SERVING"]);
});

test("one that has not said a word since the start is called silent in its time", async () => {
  await restart();
  expect(await states()).toEqual(["SERVING", "SERVING", "SERVING"]);
  await devices[0]?.pulse();
  const watch = listen(home.clients.membership.watch({}, { bearer: home.clients.viewerToken }));
  await watch.find("the snapshot", (message) => message.snapshot);
  home.putForward(FRESH_MS + 1000);
  await devices[0]?.pulse();
  await watch.find("the silence", ({ members }) =>
    members.some((member) => member.node === devices[1]?.node && member.state === NodeState.LOST),
  );
  watch.cancel();
});
