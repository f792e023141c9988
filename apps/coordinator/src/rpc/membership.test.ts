import { type AttendResponse, type Member, NodeState, WorkState } from "@moult/contracts/v1";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TestCoordinator } from "../testing/coordinator.ts";
import { type TestDevice, WORKING } from "../testing/device.ts";
import { refusedWith } from "../testing/refusal.ts";
import { type Listened, listen } from "../testing/stream.ts";
import { until } from "../testing/wait.ts";

const FRESH_MS = 60_000;
const VANISH_MS = 20_000;

let home: TestCoordinator;
beforeEach(async () => {
  home = await TestCoordinator.start({
    config: { capacity: { report_fresh_ms: FRESH_MS, vanish_after_ms: VANISH_MS } },
  });
});
afterEach(() => home.stop());

interface Message {
  readonly snapshot: boolean;
  readonly members: readonly Member[];
}

function watch(pool = ""): Listened<Message> {
  return listen<Message>(home.clients.membership.watch({ pool }, { bearer: home.clients.viewerToken }));
}

function newestOf(listened: Listened<Message>, node: string): Member | undefined {
  return listened.messages.flatMap((message) => message.members).findLast((member) => member.node === node);
}

test("a router learns who takes work, where, and how much", async () => {
  const device = await home.device();
  const listened = watch();
  const { members } = await listened.find("the snapshot", (message) => message.snapshot);
  expect(members.map(({ node, state }) => [node, NodeState[state]])).toEqual([[device.node, "LOST"]]);
  await device.ask({ situation: { ...WORKING, endpoint: "10.0.0.9:80" } });
  const serving = await until("the change", () => {
    const member = newestOf(listened, device.node);
    return member?.state === NodeState.SERVING ? member : undefined;
  });
  expect(serving).toMatchObject({ pool: "pools/home", endpoint: "10.0.0.9:80", capacityRps: 10, version: "1.0.0" });
  await device.pulse({ ...WORKING, workState: WorkState.FAILED });
  await until("the failure", () => newestOf(listened, device.node)?.state === NodeState.LOST || undefined);
  listened.cancel();
});

test("a router of one pool hears of that pool only", async () => {
  const here = await home.device("here");
  const there = await home.device("there");
  const listened = watch("pools/here");
  await there.pulse();
  await here.pulse();
  await until("the pulse", () => newestOf(listened, here.node)?.state === NodeState.SERVING || undefined);
  expect(newestOf(listened, there.node)).toBeUndefined();
  listened.cancel();
  const unknown = watch("pools/nowhere");
  const error = await until("the refusal", () => unknown.error());
  expect(await refusedWith(Promise.reject(error))).toBe("NOT_FOUND POOL_UNKNOWN");
});

test("a node that falls silent is lost, and back with its next word", async () => {
  const device = await home.device();
  const listened = watch();
  await device.pulse();
  await until("it serves", () => newestOf(listened, device.node)?.state === NodeState.SERVING || undefined);
  home.putForward(FRESH_MS + 1000);
  await until("it is lost", () => newestOf(listened, device.node)?.state === NodeState.LOST || undefined);
  await device.pulse();
  await until("it is back", () => newestOf(listened, device.node)?.state === NodeState.SERVING || undefined);
  listened.cancel();
});

test("a node whose stream ends is lost before its last word is old, unless it comes back or speaks", async () => {
  const [gone, back, speaking] = await Promise.all(["home", "home", "home"].map((pool) => home.device(pool)));
  if (gone === undefined || back === undefined || speaking === undefined) throw new Error("three devices were wanted");
  const listened = watch();
  const stateOf = (node: string): NodeState | undefined => newestOf(listened, node)?.state;
  for (const device of [gone, back, speaking]) await device.pulse();
  const streams = [gone, back, speaking].map((device) => attend(device));
  await until("all attend", async () => (await told()) === 3 || undefined);
  for (const stream of streams) stream.cancel();
  await until("nobody attends", async () => (await told()) === 0 || undefined);
  attend(back);
  await until("one is back", async () => (await told()) === 1 || undefined);
  home.putForward(1000);
  await speaking.pulse();
  home.putForward(VANISH_MS);
  await until("it is lost", () => stateOf(gone.node) === NodeState.LOST || undefined);
  expect([stateOf(back.node), stateOf(speaking.node)]).toEqual([NodeState.SERVING, NodeState.SERVING]);
  await gone.pulse();
  await until("it is back", () => stateOf(gone.node) === NodeState.SERVING || undefined);
  listened.cancel();
});

function attend(device: TestDevice): Listened<AttendResponse> {
  return listen(device.clients.agent.attend({ bearer: device.token }));
}

/** How many nodes attend: a nudge says so. */
async function told(): Promise<number> {
  return (await home.clients.rollout.nudgeNodes({}, home.clients.operator)).told;
}

test("nodes are listed in pages by id, also of one pool", async () => {
  const devices = await Promise.all(["a", "a", "b", "a"].map((pool) => home.device(pool)));
  const { fleet, viewer } = home.clients;
  const listed: string[] = [];
  let pageToken = "";
  do {
    const page = await fleet.listNodes({ pool: "pools/a", pageSize: 2, pageToken }, viewer);
    listed.push(...page.nodes.map(({ name }) => name));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  const [first, second, , fourth] = devices.map((device) => device.node);
  expect(listed).toEqual([first ?? "", second ?? "", fourth ?? ""].toSorted());
});
