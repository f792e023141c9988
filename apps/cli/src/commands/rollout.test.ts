/** Dial, nudge, override and brake against a server that speaks the contract over TLS. */
import { status } from "@grpc/grpc-js";
import { RpcError } from "@moult/contracts";
import { ErrorReason } from "@moult/contracts/v1";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type TestCoordinator, startTestCoordinator } from "../testing/test-coordinator.ts";
import { TEST_NOW_MS, type TestRun, type TestWorld, runMoult } from "../testing/test-ports.ts";

let coordinator: TestCoordinator;
beforeAll(async () => {
  coordinator = await startTestCoordinator();
});
afterAll(() => coordinator.stop());
beforeEach(() => void (coordinator.calls.length = 0));

function moult(line: readonly string[], world: TestWorld = {}): Promise<TestRun> {
  return runMoult([...line, "--state-dir", coordinator.stateDir], world);
}

/** A time `ms` after the tests' now. */
function at(ms: number): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(Math.floor((TEST_NOW_MS + ms) / 1000)), nanos: 0 };
}

describe("dial", () => {
  beforeAll(() => {
    coordinator.answer("setDial", (request) => {
      const { setting, ...dial } = (request as { dial: Record<string, object> }).dial as Record<string, never>;
      const [position] = ["nobody", "named", "share", "everyone"].filter((key) => key in dial);
      return {
        dial: { release: dial["release"], setting: setting ?? { case: position, value: dial[position ?? ""] } },
      };
    });
  });

  test.each<[string, readonly string[], object, string]>([
    ["nobody", ["nobody"], { nobody: {} }, "nobody"],
    ["everyone", ["everyone"], { everyone: {} }, "everyone"],
    ["share", ["share", "--share", "25%"], { share: { fraction: 0.25 } }, "a share of 25%"],
    [
      "named",
      ["named", "--node", "n1", "--node", "nodes/n2", "--selector", "region=eu,model in (m1|m2)"],
      {
        named: {
          nodes: ["nodes/n1", "nodes/n2"],
          selectors: [
            {
              requirements: [
                { key: "region", values: ["eu"] },
                { key: "model", values: ["m1", "m2"] },
              ],
            },
          ],
        },
      },
      "named: n1; n2; region=eu,model in (m1|m2)",
    ],
  ])("set %s", async (_, args, setting, shown) => {
    const set = await moult(["dial", "set", "2.0.0", ...args]);
    expect(coordinator.calls).toEqual([
      { method: "setDial", request: { dial: { release: "releases/2.0.0", ...setting }, requestId: "id-1" } },
    ]);
    expect(set).toMatchObject({ code: 0, stderr: "", questions: [] });
    expect(set.stdout).toContain(`dial     ${shown}\n`);
  });

  test.each([
    [["nobody", "--node", "n1"], "belong to named"],
    [["everyone", "--share", "5%"], "belongs to share"],
    [["named"], "Which nodes?"],
    [["share"], "Which share?"],
    [["share", "--share", "150%"], '--share: "150%" is not a share'],
    [["some"], "Allowed choices are nobody, named, share, everyone"],
    [["named", "--selector", "region"], '--selector: "region" is not a selector'],
    [["named", "--node", "pools/p"], "is not the name of a node"],
  ])("%j is refused without a call", async (args, said) => {
    const set = await moult(["dial", "set", "2.0.0", ...args]);
    expect(set.code).toBe(2);
    expect(set.stderr).toContain(said);
    expect(coordinator.calls).toEqual([]);
  });

  test("everyone is asked about where somebody is there to answer", async () => {
    const no = await moult(["dial", "set", "2.0.0", "everyone"], { tty: true, answer: false });
    expect(no).toMatchObject({ code: 7, questions: ["Let every node move to 2.0.0?"] });
    expect(coordinator.calls).toEqual([]);
    expect(await moult(["dial", "set", "2.0.0", "everyone"], { tty: true, answer: true })).toMatchObject({ code: 0 });
    const yes = await moult(["dial", "set", "2.0.0", "everyone", "--yes"], { tty: true });
    expect(yes).toMatchObject({ code: 0, questions: [] });
    expect(await moult(["dial", "set", "2.0.0", "nobody"], { tty: true })).toMatchObject({ code: 0, questions: [] });
  });

  test("a deadline is a time from now, and is shown", async () => {
    await moult(["dial", "set", "2.0.0", "nobody", "--deadline-in", "7d"]);
    expect(coordinator.calls).toMatchObject([{ request: { dial: { deadlineTime: "2026-01-09T03:04:05Z" } } }]);
    coordinator.answer("getDial", () => ({
      dial: { release: "releases/2.0.0", setting: { case: "nobody", value: {} }, deadlineTime: at(7 * 86_400_000) },
    }));
    expect((await moult(["dial", "get", "2.0.0"])).stdout).toMatch(/^deadline {2}in 7d/m);
  });

  test("get", async () => {
    coordinator.answer("getDial", () => ({
      dial: { release: "releases/2.0.0", setting: { case: "nobody", value: {} }, updateTime: at(-120_000) },
    }));
    const got = await moult(["dial", "get", "2.0.0"]);
    expect(got.stdout).toBe("release  2.0.0\ndial     nobody\nturned   2m ago\n");
    const json = await moult(["dial", "get", "2.0.0", "-o", "json"]);
    expect(JSON.parse(json.stdout)).toEqual({
      dial: { release: "releases/2.0.0", nobody: {}, updateTime: "2026-01-02T03:02:05Z" },
    });
    const yaml = await moult(["dial", "get", "2.0.0", "-o", "yaml"]);
    expect(yaml.stdout).toContain("dial:\n  release: releases/2.0.0\n  nobody: {}\n");
  });
});

describe("nudge", () => {
  test("some, for a release", async () => {
    coordinator.answer("nudgeNodes", () => ({ told: 1, meant: 2 }));
    const nudged = await moult(["nudge", "n1", "nodes/n2", "--release", "2.0.0"]);
    expect(nudged.stdout).toBe("1 of 2 nodes were told; 1 have no open stream and look at their next waking.\n");
    expect(coordinator.calls[0]?.request).toEqual({
      nodes: ["nodes/n1", "nodes/n2"],
      release: "releases/2.0.0",
      requestId: "id-1",
    });
  });

  test("all, and zeros are written", async () => {
    coordinator.answer("nudgeNodes", () => ({ told: 0, meant: 0 }));
    const nudged = await moult(["nudge", "-o", "json"]);
    expect(JSON.parse(nudged.stdout)).toEqual({ told: 0, meant: 0 });
    expect(coordinator.calls[0]?.request).toEqual({ requestId: "id-1" });
  });
});

describe("override", () => {
  const made = {
    name: "overrides/o1",
    pool: "pools/home",
    nodes: ["nodes/n1"],
    reason: "why not\u001B[31m",
    deficitMaxRps: 12.5,
    expireTime: at(600_000),
  };
  const args = ["override", "create", "--pool", "home", "--reason", "why not", "--deficit-rps", "12.5", "--for", "10m"];

  test("create", async () => {
    coordinator.answer("createOverride", () => ({ override: made }));
    const created = await moult([...args, "--node", "n1", "--allow-shard-and-domain"]);
    expect(coordinator.calls[0]?.request).toEqual({
      override: {
        pool: "pools/home",
        nodes: ["nodes/n1"],
        reason: "why not",
        deficitMaxRps: 12.5,
        allowShardAndDomain: true,
      },
      ttlS: 600,
      requestId: "id-1",
    });
    expect(created.code).toBe(0);
    expect(created.stdout).toContain(
      "o1        home  n1     12.5           kept                in 10m  why not\uFFFD[31m",
    );
  });

  test("create asks first", async () => {
    const refused = await moult(args, { tty: true, answer: false });
    expect(refused.code).toBe(7);
    expect(refused.questions).toEqual(["Let pool home fall up to 12.5 rps below what it needs? Requests may fail."]);
    expect(coordinator.calls).toEqual([]);
  });

  test.each([
    [["--for", "2d"], '--for: "2d" is out of range'],
    [["--deficit-rps", "0"], '--deficit-rps: "0" is not a number above 0'],
  ])("create with %j is refused", async (more, said) => {
    const created = await moult([...args, ...more]);
    expect(created.code).toBe(2);
    expect(created.stderr).toContain(said);
  });

  test("create names every field that the coordinator found wrong", async () => {
    coordinator.answer("createOverride", () => {
      throw new RpcError(status.INVALID_ARGUMENT, ErrorReason.FIELD_INVALID, "the override is wrong", {
        violations: [
          { field: "override.reason", description: "1 to 512 characters" },
          { field: "ttl_s", description: "1 to 86,400" },
        ],
      });
    });
    expect(await moult(args)).toMatchObject({
      code: 3,
      stderr:
        "moult: the override is wrong (FIELD_INVALID)\n" +
        "  override.reason: 1 to 512 characters\n  ttl_s: 1 to 86,400\n  Correct what is named above.\n",
    });
  });

  test("create says a single violation once", async () => {
    coordinator.answer("createOverride", () => {
      const violations = [{ field: "ttl_s", description: "1 to 86,400" }];
      throw new RpcError(status.INVALID_ARGUMENT, ErrorReason.FIELD_INVALID, "ttl_s: 1 to 86,400", { violations });
    });
    expect((await moult(args)).stderr).toBe(
      "moult: ttl_s: 1 to 86,400 (FIELD_INVALID)\n  Correct what is named above.\n",
    );
  });

  test("list and delete", async () => {
    coordinator.answer("listOverrides", () => ({ overrides: [] }));
    expect((await moult(["override", "list"])).stdout).toBe("No overrides.\n");
    coordinator.answer("listOverrides", () => ({ overrides: [{ ...made, nodes: [], allowShardAndDomain: true }] }));
    expect((await moult(["override", "list"])).stdout).toMatch(/o1 .* all .* also open .* in 10m/);
    coordinator.answer("deleteOverride", () => ({}));
    expect((await moult(["override", "delete", "o1"])).stdout).toBe("overrides/o1 has ended.\n");
    expect(coordinator.calls.at(-1)?.request).toEqual({ name: "overrides/o1" });
  });
});

describe("brake", () => {
  test("engage never asks; release does", async () => {
    coordinator.answer("engageBrake", () => ({ brake: { engaged: true, reason: "smoke" } }));
    coordinator.answer("releaseBrake", () => ({ brake: { engaged: false, reason: "no fire" } }));
    const engaged = await moult(["brake", "engage", "--reason", "smoke"], { tty: true });
    expect(engaged).toMatchObject({ code: 0, questions: [] });
    expect(engaged.stdout).toContain("\u001B[31mengaged\u001B[39m");
    expect(await moult(["brake", "release", "--reason", "no fire"], { tty: true })).toMatchObject({ code: 7 });
    expect(await moult(["brake", "release", "--reason", "no fire"])).toMatchObject({ code: 0 });
    expect(coordinator.calls).toEqual([
      { method: "engageBrake", request: { reason: "smoke" } },
      { method: "releaseBrake", request: { reason: "no fire" } },
    ]);
  });

  test("status", async () => {
    coordinator.answer("getBrake", () => ({ brake: { engaged: false } }));
    expect((await moult(["brake", "status"])).stdout).toBe("brake    released\nreason   -\nchanged  -\n");
    expect(JSON.parse((await moult(["brake", "status", "-o", "json"])).stdout)).toEqual({
      brake: { engaged: false, reason: "" },
      signed: [],
    });
  });

  test("a reason must be given", async () => {
    expect((await moult(["brake", "engage"])).stderr).toContain("required option '--reason <text>' not specified");
  });
});
