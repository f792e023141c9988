import { describe, expect, test } from "vitest";
import { POOL_DEFAULTS } from "../pool/config.ts";
import {
  CONFIG,
  START_MS,
  askOf,
  digest,
  emptyLedger,
  enrolled,
  originOf,
  releaseOf,
  situationOf,
} from "../testing/fleet.ts";
import type { Verdict } from "../domain/verdict.ts";
import { addOverride, publish, recall, setBrake, setDial } from "./administer.ts";
import { ask } from "./ask.ts";
import { explain } from "./explain.ts";
import type { Ledger } from "./ledger.ts";
import { admit, poolOf, stateOf } from "./ledger.ts";
import { report } from "./report.ts";
import { tick } from "./tick.ts";

/** Four nodes of capacity 10 with a load of 5 each: 40 serve, 20 × 1.1 = 22 are needed, so one may leave, not two. */
function fleetOfFour(): Ledger {
  const ledger = emptyLedger();
  publish(ledger, releaseOf(2));
  setDial(ledger, "2.0.0", { kind: "everyone" }, START_MS);
  for (const id of ["a", "b", "c", "d"]) {
    const node = enrolled(ledger, id);
    ask(ledger, node, askOf(id), START_MS);
  }
  return ledger;
}

/** What gate 3 said was missing. */
function shortfallOf(verdict: Verdict): number {
  return verdict.gates.at(-1)?.measures.find(({ name }) => name === "shortfall_rps")?.value ?? 0;
}

const node = (ledger: Ledger, id: string) => enrolled(ledger, id);
const staged = { stagedDigest: digest("2") };

describe("the phases of a move", () => {
  test("not staged: PREPARE; staged: GO to drain, and the pool is charged at once", () => {
    const ledger = fleetOfFour();
    expect(ask(ledger, node(ledger, "a"), askOf("a"), START_MS).answer.decision).toBe("PREPARE");
    expect(poolOf(ledger, "home").capacityFreshMilli).toBe(40_000);
    const { answer } = ask(ledger, node(ledger, "a"), askOf("a", staged), START_MS);
    expect(answer).toMatchObject({ decision: "GO", permit: { phase: "DRAINING", toDigest: digest("2") } });
    expect(poolOf(ledger, "home").capacityFreshMilli).toBe(30_000);
    expect(stateOf(ledger, node(ledger, "a"), START_MS)).toBe("LEAVING");
  });

  test("drained: everything is checked again, then AWAY; RETURNED counts again; the outcome ends the permit", () => {
    const ledger = fleetOfFour();
    const a = node(ledger, "a");
    const go = ask(ledger, a, askOf("a", staged), START_MS).answer;
    if (go.decision !== "GO") throw new Error("expected GO");
    const { permitId } = go.permit;
    const away = ask(ledger, a, askOf("a", { ...staged, permitId, drained: true }), START_MS).answer;
    expect(away).toMatchObject({ decision: "GO", permit: { permitId, phase: "AWAY" } });
    const back = { ...originOf("a"), kind: "progress", permitId, phase: "RETURNED", situation: situationOf() } as const;
    expect(report(ledger, a, back, START_MS).answer).toBe("RETURNED");
    expect(poolOf(ledger, "home").capacityFreshMilli).toBe(40_000);
    const done = report(
      ledger,
      a,
      {
        ...originOf("a"),
        kind: "outcome",
        permitId,
        outcome: { kind: "COMMITTED", reason: "NONE", targetDigest: digest("2"), message: "", atMs: START_MS },
        situation: situationOf(),
        running: { version: "2.0.0", digest: digest("2"), releaseCounter: 2 },
      },
      START_MS,
    );
    expect(done.answer).toBe("SERVING");
    expect(a.permit).toBeUndefined();
    expect(ledger.tally.committed).toBe(1);
  });

  test("refused at the re-check: the permit is closed and capacity waits for a fresh report", () => {
    const ledger = fleetOfFour();
    const a = node(ledger, "a");
    const go = ask(ledger, a, askOf("a", staged), START_MS).answer;
    if (go.decision !== "GO") throw new Error("expected GO");
    setBrake(ledger, true, "smoke", START_MS);
    const event = askOf("a", { ...staged, permitId: go.permit.permitId, drained: true });
    const { answer } = ask(ledger, a, event, START_MS);
    expect(answer).toMatchObject({ decision: "STAY", reason: "BRAKED" });
    expect(a.permit).toBeUndefined();
    expect(poolOf(ledger, "home").capacityFreshMilli).toBe(30_000);
    report(ledger, a, { ...originOf("a"), kind: "pulse", situation: situationOf() }, START_MS);
    expect(poolOf(ledger, "home").capacityFreshMilli).toBe(40_000);
  });

  test("the second is refused while the first is away, with the numbers", () => {
    const ledger = fleetOfFour();
    ask(ledger, node(ledger, "a"), askOf("a", staged), START_MS);
    const { answer } = ask(ledger, node(ledger, "b"), askOf("b", staged), START_MS);
    expect(answer).toMatchObject({ decision: "STAY", reason: "CAPACITY_SHORT", retryAfterMs: CONFIG.retry.capacityMs });
    expect(shortfallOf(answer)).toBeGreaterThan(0);
    expect(ledger.tally.refusals.CAPACITY).toBe(1);
  });
});

describe("repeats", () => {
  test("the same ask keeps the permit it got, also where the answer was lost", () => {
    const ledger = fleetOfFour();
    const a = node(ledger, "a");
    const event = askOf("a", staged);
    const first = ask(ledger, a, event, START_MS).answer;
    const again = ask(ledger, a, event, START_MS).answer;
    const later = ask(ledger, a, askOf("a", staged), START_MS + 1).answer;
    if (first.decision !== "GO" || again.decision !== "GO" || later.decision !== "GO") throw new Error("expected GO");
    expect(again.permit).toBe(first.permit);
    expect(later.permit).toBe(first.permit);
    expect(poolOf(ledger, "home").onLeaveCount).toBe(1);
  });

  test("an outcome that is told twice counts once", () => {
    const ledger = fleetOfFour();
    const event = {
      ...originOf("a"),
      kind: "outcome",
      permitId: "gone",
      outcome: { kind: "REVERTED", reason: "HEALTH_CHECK", targetDigest: digest("2"), message: "", atMs: START_MS },
      situation: situationOf(),
      running: { version: "1.0.0", digest: digest("1"), releaseCounter: 1 },
    } as const;
    report(ledger, node(ledger, "a"), event, START_MS);
    report(ledger, node(ledger, "a"), { ...event, sequence: event.sequence + 1000 }, START_MS);
    expect(ledger.tally.reverted).toBe(1);
  });

  test("a permit that is not known is answered, not obeyed", () => {
    const ledger = fleetOfFour();
    const event = askOf("a", { ...staged, permitId: "forged", drained: true });
    expect(ask(ledger, node(ledger, "a"), event, START_MS).answer).toMatchObject({
      decision: "STAY",
      reason: "PERMIT_INVALID",
    });
  });
});

describe("time", () => {
  test("an expired permit records the node as lost and gives no capacity back until it reports", () => {
    const ledger = fleetOfFour();
    const a = node(ledger, "a");
    ask(ledger, a, askOf("a", staged), START_MS);
    const later = START_MS + CONFIG.pool.permitTtlMs;
    const { changes } = tick(ledger, later);
    expect(changes).toContainEqual(expect.objectContaining({ kind: "permit-ended", end: "EXPIRED" }));
    expect(ledger.tally.lost).toBe(1);
    for (const id of ["b", "c", "d"]) {
      report(ledger, node(ledger, id), { ...originOf(id), kind: "pulse", situation: situationOf() }, later);
    }
    expect(stateOf(ledger, a, later)).toBe("LOST");
    expect(poolOf(ledger, "home").capacityFreshMilli).toBe(30_000);
    report(ledger, a, { ...originOf("a"), kind: "pulse", situation: situationOf() }, later);
    expect(poolOf(ledger, "home").capacityFreshMilli).toBe(40_000);
    expect(stateOf(ledger, a, later)).toBe("SERVING");
  });

  test("a stale report brings no capacity, and its load still counts", () => {
    const ledger = fleetOfFour();
    tick(ledger, START_MS + CONFIG.pool.reportFreshMs + 1);
    expect(poolOf(ledger, "home").capacityFreshMilli).toBe(0);
    expect(poolOf(ledger, "home").demandMilli).toBe(20_000);
  });

  test("where a whole fleet falls silent nobody counts any more at once, and all are told of, some thousand a tick", () => {
    const ledger = emptyLedger();
    const ids = Array.from({ length: 4_500 }, (_, n) => `n${n}`);
    for (const id of ids) {
      report(ledger, enrolled(ledger, id), { ...originOf(id), kind: "pulse", situation: situationOf() }, START_MS);
    }
    const later = START_MS + CONFIG.pool.reportFreshMs + 1;
    const told = [0, 1, 2, 3].map((tickNo) => tick(ledger, later + tickNo));
    expect(poolOf(ledger, "home").capacityFreshMilli).toBe(0);
    expect(told.map(({ changes, effects }) => [changes.length, effects.length])).toEqual([
      [2_000, 2_000],
      [2_000, 2_000],
      [500, 500],
      [0, 0],
    ]);
    expect(new Set(told.flatMap(({ effects }) => effects.map(({ nodeId }) => nodeId))).size).toBe(ids.length);
    expect(ids.every((id) => node(ledger, id).lost)).toBe(true);
  });

  test("of many pools that fall silent no more are told of in a tick than of one", () => {
    const ledger = emptyLedger();
    for (let n = 0; n < 4_500; n += 1) {
      const identity = enrolled(ledger, `x${n}`).identity;
      const known = admit(ledger, { ...identity, nodeId: `n${n}`, poolId: `pool-${n % 90}` });
      report(ledger, known, { ...originOf(`n${n}`), kind: "pulse", situation: situationOf() }, START_MS);
    }
    const later = START_MS + CONFIG.pool.reportFreshMs + 1;
    const told = [0, 1, 2, 3].map((tickNo) => tick(ledger, later + tickNo).changes.length);
    expect(told).toEqual([2_000, 2_000, 500, 0]);
  });

  test("an older report does not replace a newer one", () => {
    const ledger = fleetOfFour();
    const a = node(ledger, "a");
    const old = { ...originOf("a"), kind: "pulse", situation: situationOf({ capacityRps: 1000 }) } as const;
    report(ledger, a, { ...originOf("a"), kind: "pulse", situation: situationOf({ capacityRps: 7 }) }, START_MS);
    report(ledger, a, old, START_MS);
    expect(a.situation.capacityRps).toBe(7);
  });
});

describe("gates 1 and 2", () => {
  test("a release that cannot be reached yet does not hide the hop before it", () => {
    const ledger = fleetOfFour();
    const [build] = releaseOf(3).builds;
    if (build === undefined) throw new Error("no build");
    publish(ledger, releaseOf(3, { builds: [{ ...build, fromVersions: ["2.0.0"] }] }));
    setDial(ledger, "3.0.0", { kind: "everyone" }, START_MS);
    expect(ask(ledger, node(ledger, "a"), askOf("a"), START_MS).answer).toMatchObject({
      decision: "PREPARE",
      target: { release: { version: "2.0.0" } },
    });
  });

  test("a recalled release, a denied digest and a foreign platform are refused by gate 1", () => {
    const ledger = fleetOfFour();
    const denied = askOf("a", { deniedDigests: [digest("2")] });
    expect(ask(ledger, node(ledger, "a"), denied, START_MS).answer).toMatchObject({ reason: "DENIED_BY_NODE" });
    const arm = { version: "1.0.0", digest: digest("1"), releaseCounter: 1, platform: { os: "linux", arch: "arm64" } };
    expect(ask(ledger, node(ledger, "b"), askOf("b", { running: arm }), START_MS).answer).toMatchObject({
      reason: "PLATFORM_MISSING",
    });
    recall(ledger, "2.0.0");
    expect(ask(ledger, node(ledger, "c"), askOf("c"), START_MS).answer).toMatchObject({ reason: "RECALLED" });
    expect(ledger.tally.refusals.ALLOWLIST).toBe(3);
  });

  test("being up to date is no refusal", () => {
    const ledger = emptyLedger();
    expect(ask(ledger, node(ledger, "a"), askOf("a"), START_MS).answer).toMatchObject({ reason: "UP_TO_DATE" });
    expect(ledger.tally.refusals).toEqual({ ALLOWLIST: 0, DIAL: 0, CAPACITY: 0 });
  });

  test("nobody is the default; a selector names by label; a recall ends a permit at the re-check", () => {
    const ledger = emptyLedger();
    publish(ledger, releaseOf(2));
    const a = node(ledger, "a");
    expect(ask(ledger, a, askOf("a", staged), START_MS).answer).toMatchObject({ reason: "DIAL_NOBODY" });
    const selectors = [[{ key: "region", values: ["eu", "us"] }]];
    setDial(ledger, "2.0.0", { kind: "named", nodes: new Set(), selectors }, START_MS);
    const quiet = { ...staged, situation: situationOf({ loadRps: 0 }) };
    const go = ask(ledger, a, askOf("a", quiet), START_MS).answer;
    if (go.decision !== "GO") throw new Error("expected GO");
    recall(ledger, "2.0.0");
    const event = askOf("a", { ...quiet, permitId: go.permit.permitId, drained: true });
    expect(ask(ledger, a, event, START_MS).answer).toMatchObject({ decision: "STAY", reason: "RECALLED" });
  });
});

describe("gate 3", () => {
  test("a shard keeps its minimum of live holders, unless an override says so", () => {
    const ledger = fleetOfFour();
    const a = node(ledger, "a");
    const holder = { ...staged, situation: situationOf({ shards: ["s1"] }) };
    expect(ask(ledger, a, askOf("a", holder), START_MS).answer).toMatchObject({ reason: "SHARD_MINIMUM" });
    const override = {
      overrideId: "o1",
      poolId: "home",
      nodeIds: [],
      reason: "last holder retires",
      deficitMaxRps: 1,
      allowShardAndDomain: true,
      expiresAtMs: START_MS + 1000,
    };
    addOverride(ledger, override);
    expect(ask(ledger, a, askOf("a", holder), START_MS).answer).toMatchObject({
      decision: "GO",
      permit: { overrideId: "o1" },
    });
  });

  test("a failed node may leave though nobody else holds its shard, also when it has drained", () => {
    const ledger = fleetOfFour();
    const a = node(ledger, "a");
    const failed = { ...staged, situation: situationOf({ shards: ["s1"], workState: "FAILED" }) };
    const { answer } = ask(ledger, a, askOf("a", failed), START_MS);
    if (answer.decision !== "GO") throw new Error("expected GO");
    const { permitId } = answer.permit;
    const drained = ask(ledger, a, askOf("a", { ...failed, permitId, drained: true }), START_MS).answer;
    expect(drained).toMatchObject({ decision: "GO", permit: { phase: "AWAY" } });
  });

  test("a serving holder that has drained may not leave once the shard's other holder is gone", () => {
    const ledger = fleetOfFour();
    const holder = situationOf({ shards: ["s1"], loadRps: 1 });
    const [a, b] = [node(ledger, "a"), node(ledger, "b")];
    ask(ledger, b, askOf("b", { situation: holder }), START_MS);
    const { answer } = ask(ledger, a, askOf("a", { ...staged, situation: holder }), START_MS);
    if (answer.decision !== "GO") throw new Error("expected GO");
    const { permitId } = answer.permit;
    ask(ledger, b, askOf("b", { situation: situationOf({ loadRps: 1 }) }), START_MS);
    const draining = situationOf({ shards: ["s1"], loadRps: 0, workState: "DRAINING" });
    const asked = askOf("a", { ...staged, situation: draining, permitId, drained: true });
    expect(ask(ledger, a, asked, START_MS).answer).toMatchObject({ decision: "STAY", reason: "SHARD_MINIMUM" });
  });

  test("a domain's cap binds from its second node on", () => {
    const ledger = emptyLedger({ ...CONFIG, pool: { ...POOL_DEFAULTS, domainCapRatio: 0.25 } });
    publish(ledger, releaseOf(2));
    setDial(ledger, "2.0.0", { kind: "everyone" }, START_MS);
    const quiet = { ...staged, situation: situationOf({ loadRps: 0 }) };
    for (const id of ["a", "b", "c", "d"]) enrolled(ledger, id, id < "c" ? ["isp/1"] : []);
    for (const id of ["a", "b", "c", "d"]) ask(ledger, node(ledger, id), askOf(id), START_MS);
    expect(ask(ledger, node(ledger, "a"), askOf("a", quiet), START_MS).answer.decision).toBe("GO");
    expect(ask(ledger, node(ledger, "b"), askOf("b", quiet), START_MS).answer).toMatchObject({ reason: "DOMAIN_CAP" });
    expect(ask(ledger, node(ledger, "c"), askOf("c", quiet), START_MS).answer.decision).toBe("GO");
  });

  test("an override ends by itself and covers no larger deficit than it says", () => {
    const ledger = fleetOfFour();
    ask(ledger, node(ledger, "a"), askOf("a", staged), START_MS);
    const override = {
      overrideId: "o1",
      poolId: "home",
      nodeIds: [],
      reason: "power cut at noon",
      deficitMaxRps: 0.001,
      allowShardAndDomain: false,
      expiresAtMs: START_MS + 1000,
    };
    addOverride(ledger, override);
    const { answer } = ask(ledger, node(ledger, "b"), askOf("b", staged), START_MS);
    expect(answer.decision).toBe("STAY");
    addOverride(ledger, { ...override, deficitMaxRps: shortfallOf(answer) });
    expect(ask(ledger, node(ledger, "b"), askOf("b", staged), START_MS).answer).toMatchObject({ decision: "GO" });
    expect(ask(ledger, node(ledger, "c"), askOf("c", staged), START_MS + 1000).answer.decision).toBe("STAY");
    tick(ledger, START_MS + 1000);
    expect(ledger.overrides.size).toBe(0);
  });

  test("a workload that holds its lock stays", () => {
    const ledger = fleetOfFour();
    const locked = { ...staged, situation: situationOf({ interruptible: false }) };
    expect(ask(ledger, node(ledger, "a"), askOf("a", locked), START_MS).answer).toMatchObject({
      reason: "WORKLOAD_LOCKED",
    });
  });
});

test("explain evaluates all three gates and changes nothing", () => {
  const ledger = fleetOfFour();
  setBrake(ledger, true, "smoke", START_MS);
  const before = JSON.stringify([ledger.tally, poolOf(ledger, "home").capacityFreshMilli]);
  const explanation = explain(ledger, node(ledger, "a"), undefined, START_MS);
  expect(explanation.gates.map(({ gate, passed }) => [gate, passed])).toEqual([
    ["ALLOWLIST", true],
    ["DIAL", false],
    ["CAPACITY", true],
  ]);
  expect(explanation.decision).toBe("STAY");
  expect(JSON.stringify([ledger.tally, poolOf(ledger, "home").capacityFreshMilli])).toBe(before);
});
