import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestCoordinator, startTestCoordinator } from "../../testing/test-coordinator.ts";
import { TEST_NOW_MS, type TestRun, runMoult } from "../../testing/test-ports.ts";

let coordinator: TestCoordinator;
beforeAll(async () => {
  coordinator = await startTestCoordinator();
});
afterAll(() => coordinator.stop());

function event(args: readonly string[]): Promise<TestRun> {
  return runMoult(["event", ...args, "--state-dir", coordinator.stateDir]);
}

const lastTime = { seconds: BigInt(TEST_NOW_MS / 1000 - 60), nanos: 0 };
const CLONE = {
  name: "events/2",
  kind: 5,
  subject: "n1",
  node: "nodes/n1",
  message: "two devices",
  count: 3,
  lastTime,
};
const STORM = { name: "events/1", kind: 4, subject: "n2\u001b[2J", message: "asks", count: 1, lastTime };

test("events are listed newest first, of the kinds that were named", async () => {
  coordinator.answer("listEvents", () => ({ events: [CLONE, STORM] }));
  const table = await event(["list", "--kind", "clone", "--kind", "ask-storm", "--count", "2"]);
  expect(table).toMatchObject({ code: 0, stderr: "" });
  expect(table.stdout).toMatch(/SEEN +KIND +ABOUT +TIMES +WHAT\n.* clone +n1 +3 +two devices\n.* ask-storm +n2/);
  expect(table.stdout).not.toContain("\u001b");
  expect(coordinator.calls.at(-1)?.request).toEqual({
    kinds: ["EVENT_KIND_CLONE", "EVENT_KIND_ASK_STORM"],
    pageSize: 2,
  });
  const json = JSON.parse((await event(["list", "-o", "json"])).stdout) as { events: object[] };
  expect(json.events[0]).toMatchObject({ name: "events/2", kind: "EVENT_KIND_CLONE", count: 3 });
});

test("a kind that is none is refused, and all are named", async () => {
  const run = await event(["list", "--kind", "clones"]);
  expect(run.code).toBe(2);
  expect(run.stderr).toContain("denied-digest, unknown-digest, sequence-fork, ask-storm, clone");
});

test("events are watched one by one; the first answer, which has none, is not shown", async () => {
  coordinator.answer("watchEvents", () => [{}, { event: CLONE }, { event: STORM }]);
  expect(await event(["watch", "--count", "1"])).toMatchObject({
    code: 0,
    stdout: "clone n1: two devices (3 times)\n",
  });
  const json = await event(["watch", "--count", "2", "-o", "json"]);
  const lines = json.stdout.trimEnd().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as { name: string }).name)).toEqual(["events/2", "events/1"]);
});
