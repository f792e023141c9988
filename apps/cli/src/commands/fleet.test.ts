/** What is looked at: fleet, node, token and releases, against a server that speaks the contract over TLS. */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { status } from "@grpc/grpc-js";
import { RpcError } from "@moult/contracts";
import {
  Decision,
  ErrorReason,
  FailureReason,
  Gate,
  NodeState,
  OutcomeKind,
  PermitPhase,
  Reason,
  WorkState,
} from "@moult/contracts/v1";
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

const HEARD = { seconds: BigInt(TEST_NOW_MS / 1000 - 42), nanos: 0 };
const NODE = {
  name: "nodes/n1",
  pool: "pools/home",
  state: NodeState.SERVING,
  version: "1.0.0",
  digest: "ab".repeat(32),
  platform: { os: "linux", arch: "arm64" },
  model: "box-3",
  labels: { region: "eu" },
  domains: ["isp/example"],
  situation: {
    capacityRps: 100,
    loadRps: 33.333,
    inFlight: 2,
    workState: WorkState.SERVING,
    interruptible: false,
    host: { cpuBusyRatio: 0.5, diskFreeBytes: 2_147_483_648n },
  },
  reportTime: HEARD,
  permit: { permitId: "p1", phase: PermitPhase.DRAINING },
  lastVerdict: { decision: Decision.STAY, gate: Gate.CAPACITY, reason: Reason.CAPACITY_SHORT, time: HEARD },
  lastOutcome: { kind: OutcomeKind.REVERTED, reason: FailureReason.HEALTH_CHECK, message: "no answer\u001B[2J" },
};

describe("fleet get", () => {
  test("nodes come from all pages", async () => {
    coordinator.answer("listNodes", (request) => {
      const token = (request as { pageToken?: string }).pageToken ?? "";
      return token === ""
        ? { nodes: [NODE], nextPageToken: "two" }
        : { nodes: [{ name: "nodes/n2", pool: "pools/home", state: 99 }], nextPageToken: "" };
    });
    const got = await moult(["fleet", "get", "--pool", "home"]);
    expect(coordinator.calls.map((call) => call.request)).toEqual([
      { pool: "pools/home", pageSize: 1000 },
      { pool: "pools/home", pageSize: 1000, pageToken: "two" },
    ]);
    expect(got.stdout.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      ["NODE", "POOL", "STATE", "VERSION", "PLATFORM", "LOAD (RPS)", "PERMIT", "LAST ANSWER", "LAST MOVE", "HEARD"],
      [
        "n1",
        "home",
        "serving",
        "1.0.0",
        "linux-arm64",
        "33.3/100",
        "draining",
        "stay: capacity, capacity short",
        "reverted: health check",
        "42s ago",
      ],
      ["n2", "home", "99", "-", "-", "0/0", "-", "-", "-", "-"],
      [""],
    ]);
    const json = JSON.parse((await moult(["fleet", "get", "nodes", "-o", "json"])).stdout) as {
      nodes: { name: string }[];
    };
    expect(json.nodes.map((node) => node.name)).toEqual(["nodes/n1", "nodes/n2"]);
  });

  test("a coordinator whose pages never end is a defect, not a loop", async () => {
    coordinator.answer("listNodes", () => ({ nodes: [NODE], nextPageToken: "again" }));
    const got = await moult(["fleet", "get"]);
    expect(got.code).toBe(1);
    expect(got.stderr).toContain("the page token again twice");
  });

  test("pools", async () => {
    coordinator.answer("listPools", () => ({
      pools: [{ name: "pools/home", nodes: 12, capacityFreshRps: 1200, demandRps: 700, needRps: 840, onLeave: 1 }],
    }));
    const got = await moult(["fleet", "get", "pools"]);
    expect(got.stdout.split("\n")[1]?.split(/ {2,}/)).toEqual(["home", "12", "1200", "700", "840", "360", "1"]);
    coordinator.answer("listPools", () => ({ pools: [] }));
    expect((await moult(["fleet", "get", "pools"])).stdout).toContain("moult token create");
  });

  test("one node, by id or by name", async () => {
    coordinator.answer("getNode", () => ({ node: NODE }));
    const got = await moult(["fleet", "get", "n1"]);
    expect(coordinator.calls[0]?.request).toEqual({ name: "nodes/n1" });
    for (const line of [
      "version      1.0.0 (abababababab)",
      "labels       region=eu",
      "load         33.3 of 100 rps, 2 in flight",
      "workload     serving, holds its lock",
      "processor    50% busy",
      "disk         2.0 GiB free",
      "permit       draining (p1)",
      "last move    reverted: health check",
      "             no answer\uFFFD[2J",
    ]) {
      expect(got.stdout).toContain(`${line}\n`);
    }
    await moult(["fleet", "get", "nodes/pools"]);
    expect(coordinator.calls.at(-1)?.request).toEqual({ name: "nodes/pools" });
  });

  test("a node that is not known", async () => {
    coordinator.answer("getNode", () => {
      throw new RpcError(status.NOT_FOUND, ErrorReason.NODE_UNKNOWN, "no node n9");
    });
    expect(await moult(["fleet", "get", "n9"])).toMatchObject({
      code: 4,
      stdout: "",
      stderr: "moult: no node n9 (NODE_UNKNOWN)\n  See which there are: moult fleet get nodes\n",
    });
    expect((await moult(["fleet", "get", "n9", "--pool", "home"])).stderr).toContain("--pool belongs to nodes");
  });

  test("an answer without its substance is a defect of the coordinator", async () => {
    coordinator.answer("getNode", () => ({}));
    expect(await moult(["fleet", "get", "n1"])).toMatchObject({ code: 1 });
  });
});

describe("fleet watch", () => {
  const frame = (committed: bigint): object => ({
    pools: [{ name: "pools/home", nodes: 3, capacityFreshRps: 300, demandRps: 100, needRps: 120, onLeave: 1 }],
    nodesByVersion: { "1.0.0": 2, "2.0.0": 1 },
    nodesByState: { NODE_STATE_SERVING: 2, NODE_STATE_AWAY: 1 },
    committed,
    refusalsByGate: { GATE_DIAL: 7n, CAPACITY: 1n },
  });
  beforeAll(() => coordinator.answer("watchFleet", () => [frame(0n), frame(1n)]));

  test("a line a change", async () => {
    const watched = await moult(["fleet", "watch", "--count", "2"]);
    expect(watched).toMatchObject({ code: 0, stderr: "" });
    expect(watched.stdout.split("\n")).toEqual([
      "versions: 1.0.0 2, 2.0.0 1 | states: away 1, serving 2 | on leave 1 | committed 0, reverted 0, lost 0 | refused: capacity 1, dial 7",
      "versions: 1.0.0 2, 2.0.0 1 | states: away 1, serving 2 | on leave 1 | committed 1, reverted 0, lost 0 | refused: capacity 1, dial 7",
      "",
    ]);
  });

  test("one JSON object a line", async () => {
    const watched = await moult(["fleet", "watch", "--count", "2", "-o", "json"]);
    const lines = watched.stdout.trimEnd().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { committed: string }).committed)).toEqual(["0", "1"]);
    const yaml = await moult(["fleet", "watch", "--count", "2", "-o", "yaml"]);
    expect(yaml.stdout.match(/^---$/gm)).toHaveLength(2);
  });

  test("a frame drawn over the one before, on a terminal", async () => {
    const watched = await moult(["fleet", "watch", "--count", "2"], { tty: true, env: { NO_COLOR: "1" } });
    const frames = watched.stdout.split("\r\u001B[J");
    expect(frames).toHaveLength(2);
    expect(frames[0]).toContain("2.0.0    1      █████████████\n");
    expect(frames[1]).toContain("moves    1 committed, 0 reverted, 0 lost\n");
    // The first frame's lines, and behind them the way back over all of them.
    const drawn = (frames[0] ?? "").split("\n").length - 1;
    expect(watched.stdout).toContain(`\u001B[${drawn}A`);
    expect(watched.stdout.endsWith("\u001B[?7h\u001B[?25h")).toBe(true);
  });

  test("Ctrl-C is how it ends", async () => {
    const abort = new AbortController();
    coordinator.answer("watchFleet", () => {
      setImmediate(() => abort.abort());
      return [frame(0n)];
    });
    expect(await moult(["fleet", "watch"], { signal: abort.signal })).toMatchObject({ code: 0, stderr: "" });
  });
});

describe("node explain", () => {
  const answer = {
    node: NODE,
    target: { release: "releases/2.0.0", version: "2.0.0", digest: "cd".repeat(32) },
    decision: Decision.STAY,
    gates: [
      { gate: Gate.ALLOWLIST, passed: true, reason: Reason.PASSED, message: "approved by 2 of 3" },
      { gate: Gate.DIAL, passed: true, reason: Reason.PASSED, message: "named" },
      {
        gate: Gate.CAPACITY,
        passed: false,
        reason: Reason.CAPACITY_SHORT,
        message: "200 left, 240 wanted",
        measures: [
          { name: "spare_rps", value: 200 },
          { name: "shortfall_rps", value: 40 },
        ],
      },
    ],
  };

  test("all three gates, with what is missing", async () => {
    coordinator.answer("explainNode", () => answer);
    const explained = await moult(["node", "explain", "n1", "--release", "2.0.0"]);
    expect(coordinator.calls[0]?.request).toEqual({ name: "nodes/n1", release: "releases/2.0.0" });
    expect(explained.stdout).toBe(
      [
        "node      n1",
        "state     serving",
        "runs      1.0.0",
        "target    2.0.0 (cdcdcdcdcdcd)",
        "decision  stay",
        "",
        "GATE            REASON          SHORTFALL  WHY",
        "1 allowlist  ✓  passed          -          approved by 2 of 3",
        "2 dial       ✓  passed          -          named",
        "3 capacity   ✗  capacity short  40 rps     200 left, 240 wanted",
        "",
        "GATE      NUMBER         VALUE",
        "capacity  spare_rps      200",
        "capacity  shortfall_rps  40",
        "",
      ].join("\n"),
    );
  });

  test("as JSON, with names of enums", async () => {
    const explained = await moult(["node", "explain", "n1", "-o", "json"]);
    const json = JSON.parse(explained.stdout) as { decision: string; gates: { gate: string; passed: boolean }[] };
    expect(json.decision).toBe("DECISION_STAY");
    expect(json.gates.map((gate) => [gate.gate, gate.passed])).toEqual([
      ["GATE_ALLOWLIST", true],
      ["GATE_DIAL", true],
      ["GATE_CAPACITY", false],
    ]);
  });
});

test("token create", async () => {
  coordinator.answer("createEnrollmentToken", () => ({
    enrollmentToken: "tok-1",
    name: "enrollmentTokens/5feceb66",
    expireTime: { seconds: BigInt(TEST_NOW_MS / 1000 + 2_592_000), nanos: 0 },
  }));
  const args = ["token", "create", "--pool", "home", "--uses", "500", "--for", "30d"];
  const made = await moult([...args, "--label", "region=eu", "--label", "a=b=c"]);
  expect(made.stdout).toBe("token  tok-1\nends   in 30d\nid     5feceb66\n");
  expect(coordinator.calls[0]?.request).toEqual({
    pool: "pools/home",
    uses: 500,
    ttlS: 2_592_000,
    labels: { region: "eu", a: "b=c" },
  });
  expect((await moult([...args, "--uses", "0"])).code).toBe(2);
  expect((await moult([...args, "--label", "x"])).code).toBe(2);
});

test("token list and revoke", async () => {
  const token = {
    name: "enrollmentTokens/5feceb66",
    pool: "pools/home",
    usesLeft: 499,
    expireTime: { seconds: BigInt(TEST_NOW_MS / 1000 + 3_600), nanos: 0 },
    labels: { region: "eu" },
  };
  coordinator.answer("listEnrollmentTokens", () => ({ enrollmentTokens: [token] }));
  const listed = await moult(["token", "list"]);
  expect(listed.stdout.split("\n")[1]?.split(/ {2,}/)).toEqual(["5feceb66", "home", "499", "in 1h", "region=eu"]);
  coordinator.answer("revokeEnrollmentToken", () => ({ enrollmentToken: token }));
  expect((await moult(["token", "revoke", "5feceb66"])).stdout).toContain("5feceb66");
  expect(coordinator.calls.at(-1)?.request).toEqual({ name: "enrollmentTokens/5feceb66" });
});

test("node readmit, and how a node in quarantine looks", async () => {
  const node = { name: "nodes/n1", pool: "pools/home", state: NodeState.SERVING };
  const quarantine = { message: "two devices speak with its key", time: HEARD };
  coordinator.answer("listNodes", () => ({ nodes: [{ ...node, quarantine }] }));
  expect((await moult(["fleet", "get", "nodes"])).stdout).toContain("quarantined");
  coordinator.answer("readmitNode", () => ({ node }));
  const readmitted = await moult(["node", "readmit", "n1", "--reason", "wiped"]);
  expect(readmitted.stdout).not.toContain("quarantine");
  expect(coordinator.calls.at(-1)?.request).toEqual({ name: "nodes/n1", reason: "wiped" });
  expect((await moult(["node", "readmit", "n1"])).code).toBe(2);
});

test("releases: list, get and recall", async () => {
  const release = {
    name: "releases/2.0.0",
    version: "2.0.0",
    releaseCounter: 2n,
    createTime: HEARD,
    builds: [
      {
        digest: "cd".repeat(32),
        platform: { os: "linux", arch: "x64" },
        parts: [{ path: "runtime/node", digest: "ef".repeat(32), lengthBytes: 149_711_504n }],
        signedBy: ["12".repeat(32)],
      },
    ],
  };
  coordinator.answer("listReleases", () => ({ releases: [release] }));
  const listed = await moult(["release", "list"]);
  expect(listed.stdout.split("\n")[1]?.split(/ {2,}/)).toEqual(["2.0.0", "2", "linux-x64", "listed", "42s ago"]);
  coordinator.answer("getRelease", () => ({ release }));
  const got = await moult(["release", "get", "2.0.0"]);
  expect(got.stdout).toContain("runtime/node  142.8 MiB  efefefefefef\n");
  expect(got.stdout).toContain("from versions  any\n");
  coordinator.answer("recallRelease", () => ({ release: { ...release, recalled: true } }));
  const recalled = await moult(["release", "recall", "2.0.0", "--reason", "loses bytes"]);
  expect(coordinator.calls.at(-1)?.request).toEqual({ name: "releases/2.0.0", reason: "loses bytes" });
  expect(recalled.stdout).toContain("allowlist  recalled\n");
  coordinator.answer("listReleases", () => ({ releases: [] }));
  expect((await moult(["release", "list"])).stdout).toContain("No releases.");
});

test("`coordinator status` shows the store, and where several share it, who decides", async () => {
  coordinator.answer("getStatus", () => ({
    store: { engine: "postgres", healthy: true },
    replicas: [
      { name: "r1", address: "a:1", alive: true, deciding: true },
      { name: "r2", address: "b:1", alive: true },
      { name: "r3", address: "c:1" },
    ],
    pools: [
      { epoch: 4n, replica: "r1" },
      { pool: "pools/home", epoch: 3n, replica: "r1" },
    ],
    sequencer: {
      epoch: 5n,
      size: 12n,
      signedSize: 11n,
      signedTime: timestampFromMs(TEST_NOW_MS - 65_000),
      witnessedSize: 10n,
      witnessedTime: timestampFromMs(TEST_NOW_MS - 130_000),
    },
    coordinator: {
      version: "0.2.0",
      startTime: timestampFromMs(TEST_NOW_MS - 3 * 3_600_000 - 60_000),
      ready: true,
      message: "it decides",
      connections: 7n,
      overloadRefused: 3n,
      certificateExpireTime: timestampFromMs(TEST_NOW_MS + 90 * 86_400_000),
    },
  }));
  const { stdout, code } = await moult(["coordinator", "status"]);
  expect(code).toBe(0);
  const words = stdout.split("\n").map((line) => line.trim().split(/ {2,}/));
  expect(words).toEqual(
    expect.arrayContaining([
      ["store", "postgres, answers"],
      ["audit log", "12 leaves in their place, 11 signed for, epoch 5"],
      ["last signed", "1m ago"],
      ["last witnessed", "2m ago, 10 leaves"],
      ["coordinator", "it decides"],
      ["version", "0.2.0"],
      ["started", "3h ago"],
      ["connections", "7"],
      ["refused for overload", "3"],
      ["certificate ends", "in 90d"],
      ["r1", "a:1", "decides"],
      ["r2", "b:1", "hands on"],
      ["r3", "c:1", "gone"],
      ["(the fleet)", "4", "r1"],
      ["home", "3", "r1"],
    ]),
  );
  coordinator.answer("getStatus", () => ({ store: { message: "the store at x cannot be read" } }));
  expect((await moult(["coordinator", "status"])).stdout).toContain("the store at x cannot be read");
});
