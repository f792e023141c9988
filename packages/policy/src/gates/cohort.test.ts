/** Gate 2 by the council's word: cohort bounds and breakers' brakes, when asked, when asked again drained, and explained. */
import { describe, expect, test } from "vitest";
import type { Cohort, Release } from "../domain/release.ts";
import { addOverride, applyList, publish, setDial, setSignedBrakes } from "../ledger/administer.ts";
import { ask } from "../ledger/ask.ts";
import { explain } from "../ledger/explain.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Node } from "../domain/node.ts";
import { START_MS, askOf, digest, emptyLedger, enrolled, releaseOf } from "../testing/fleet.ts";
import { report } from "../ledger/report.ts";
import { originOf, situationOf } from "../testing/fleet.ts";
import { isWithinPpm, sharePosition } from "./share.ts";

const SEED = "5a".repeat(32);
const HOUR_MS = 3_600_000;
const NEXT = digest("2");

/** A bound of a tenth now, and everybody in an hour. */
const TENTH: Cohort = {
  seed: SEED,
  steps: [
    { notBeforeMs: START_MS, sharePpm: 100_000 },
    { notBeforeMs: START_MS + HOUR_MS, sharePpm: 1_000_000 },
  ],
};

/** Ids of nodes inside and outside of a tenth. */
const INSIDE = Array.from({ length: 100 }, (_, n) => `n${n}`).find((id) => sharePosition(SEED, id) < 0.1) ?? "";
const OUTSIDE = Array.from({ length: 100 }, (_, n) => `n${n}`).find((id) => sharePosition(SEED, id) > 0.2) ?? "";

/** Release 2 under a bound, its dial at everyone, and two nodes with much company. */
function fleet(cohort: Cohort | undefined = TENTH): {
  readonly ledger: Ledger;
  readonly inside: Node;
  readonly outside: Node;
} {
  const ledger = emptyLedger();
  const { builds, ...rest } = releaseOf(2);
  publish(ledger, { ...rest, builds: builds.map((build) => ({ ...build, ...(cohort && { cohort }) })) });
  setDial(ledger, "2.0.0", { kind: "everyone" }, START_MS);
  const nodes = ["c1", "c2", "c3", INSIDE, OUTSIDE].map((id) => enrolled(ledger, id));
  for (const node of nodes) {
    const origin = originOf(node.identity.nodeId);
    report(ledger, node, { ...origin, kind: "pulse", situation: situationOf({ loadRps: 0 }) }, START_MS);
  }
  const [, , , inside, outside] = nodes as [Node, Node, Node, Node, Node];
  return { ledger, inside, outside };
}

function verdictOf(ledger: Ledger, node: Node, now: number, more = {}): ReturnType<typeof ask>["answer"] {
  const event = askOf(node.identity.nodeId, { stagedDigest: NEXT, situation: situationOf({ loadRps: 0 }), ...more });
  return ask(ledger, node, event, now).answer;
}

describe("the council's bound", () => {
  test("holds however far the dial is turned, and for a node that the dial names", () => {
    const { ledger, inside, outside } = fleet();
    expect(verdictOf(ledger, inside, START_MS)).toMatchObject({ decision: "GO" });
    const refusal = verdictOf(ledger, outside, START_MS);
    expect(refusal).toMatchObject({ decision: "STAY", reason: "OUTSIDE_COHORT" });
    expect(refusal.message).toContain("outside the 10 % of the fleet that the council lets move by now");
    expect(refusal.gates.at(-1)?.measures).toEqual([{ name: "share_ppm", value: 100_000 }]);
    setDial(ledger, "2.0.0", { kind: "named", nodes: new Set([OUTSIDE]), selectors: [] }, START_MS);
    expect(verdictOf(ledger, outside, START_MS)).toMatchObject({ reason: "OUTSIDE_COHORT" });
    expect(verdictOf(ledger, outside, START_MS + HOUR_MS)).toMatchObject({ decision: "GO" });
  });

  test("is not passed by an override of gate 3", () => {
    const { ledger, outside } = fleet();
    const reason = { reason: "drill", deficitMaxRps: 1e6, allowShardAndDomain: true };
    const until = { expiresAtMs: START_MS + HOUR_MS };
    addOverride(ledger, { overrideId: "o", poolId: "home", nodeIds: [], ...reason, ...until });
    expect(verdictOf(ledger, outside, START_MS)).toMatchObject({ reason: "OUTSIDE_COHORT" });
  });

  test("nobody moves before its first step, and nobody waits beyond the step that lets it in", () => {
    const { ledger, outside } = fleet();
    const early = verdictOf(ledger, outside, START_MS - 1);
    expect(early).toMatchObject({ reason: "OUTSIDE_COHORT", gates: [{}, { measures: [{ value: 0 }] }] });
    const waitMs = (now: number): number => {
      const verdict = verdictOf(ledger, outside, now);
      return verdict.decision === "STAY" ? verdict.retryAfterMs : -1;
    };
    expect(waitMs(START_MS)).toBe(ledger.config.retry.dialMs);
    expect(waitMs(START_MS + HOUR_MS - 700)).toBe(700);
    expect(waitMs(START_MS + HOUR_MS - 1)).toBe(1);
  });

  test("is judged again when the node has drained: a bound that grew tighter holds it back", () => {
    const { ledger, inside } = fleet();
    const go = verdictOf(ledger, inside, START_MS);
    if (go.decision !== "GO") throw new Error(go.message);
    const none: Cohort = { seed: SEED, steps: [{ notBeforeMs: START_MS + HOUR_MS, sharePpm: 1_000_000 }] };
    const listed = { version: "2.0.0", releaseCounter: 2, fromVersions: [], cohort: none };
    expect(applyList(ledger, new Map([[NEXT, listed]])).changes).toHaveLength(1);
    const again = verdictOf(ledger, inside, START_MS + 1, { permitId: go.permit.permitId, drained: true });
    expect(again).toMatchObject({ decision: "STAY", reason: "OUTSIDE_COHORT" });
    expect(inside.permit).toBeUndefined();
  });

  test("is told by explain", () => {
    const { ledger, outside } = fleet();
    verdictOf(ledger, outside, START_MS);
    const { gates, decision } = explain(ledger, outside, "2.0.0", START_MS);
    expect([decision, gates[1]?.reason]).toEqual(["STAY", "OUTSIDE_COHORT"]);
    expect(explain(ledger, outside, "2.0.0", START_MS + HOUR_MS).gates[1]?.passed).toBe(true);
  });

  test("the edges are whole numbers: all of a million is everybody, none of it nobody", () => {
    for (let n = 0; n < 1000; n += 1) {
      expect(isWithinPpm(SEED, `n${n}`, 1_000_000)).toBe(true);
      expect(isWithinPpm(SEED, `n${n}`, 0)).toBe(false);
    }
  });
});

describe("a breaker's brake", () => {
  const brake = { digest: digest("b"), reason: "boot loops", expiresAtMs: START_MS + 5_000 };

  test("refuses until it ends, and not a moment longer", () => {
    const { ledger, inside } = fleet();
    setSignedBrakes(ledger, [brake]);
    const refusal = verdictOf(ledger, inside, START_MS + 4_999);
    expect(refusal).toMatchObject({ decision: "STAY", reason: "BRAKED", retryAfterMs: 1 });
    expect(refusal.message).toBe("a breaker's brake holds until 1970-01-01T00:16:45.000Z: boot loops");
    expect(explain(ledger, inside, "2.0.0", START_MS + 4_999).gates[1]?.reason).toBe("BRAKED");
    expect(verdictOf(ledger, inside, START_MS + 5_000)).toMatchObject({ decision: "GO" });
  });

  test("stops a node that has drained, and frees what it charged", () => {
    const { ledger, inside } = fleet();
    const go = verdictOf(ledger, inside, START_MS);
    if (go.decision !== "GO") throw new Error(go.message);
    setSignedBrakes(ledger, [brake]);
    const again = verdictOf(ledger, inside, START_MS + 1, { permitId: go.permit.permitId, drained: true });
    expect(again).toMatchObject({ decision: "STAY", reason: "BRAKED" });
    expect([inside.permit, ledger.pools.get("home")?.onLeaveCount]).toEqual([undefined, 0]);
  });
});

describe("the council's list", () => {
  const listed = { version: "2.0.0", releaseCounter: 2, fromVersions: [] as readonly string[] };

  test("a build that leaves it is offered to nobody, and one that comes back is", () => {
    const { ledger, inside } = fleet(undefined);
    expect(applyList(ledger, new Map()).answer.map(({ version }) => version)).toEqual(["2.0.0"]);
    expect(applyList(ledger, new Map()).changes).toEqual([]);
    expect(verdictOf(ledger, inside, START_MS)).toMatchObject({ decision: "STAY", reason: "NOT_LISTED" });
    applyList(ledger, new Map([[NEXT, listed]]));
    expect(verdictOf(ledger, inside, START_MS)).toMatchObject({ decision: "GO" });
  });

  test("stops a node that has drained for a build that was recalled meanwhile", () => {
    const { ledger, inside } = fleet(undefined);
    const go = verdictOf(ledger, inside, START_MS);
    if (go.decision !== "GO") throw new Error(go.message);
    applyList(ledger, new Map());
    const again = verdictOf(ledger, inside, START_MS + 1, { permitId: go.permit.permitId, drained: true });
    expect(again).toMatchObject({ decision: "STAY", reason: "NOT_LISTED" });
  });

  test("its counter decides what is newer: old bytes under a new one are a retreat", () => {
    const { ledger, inside } = fleet(undefined);
    const old: Release = releaseOf(1);
    publish(ledger, old);
    setDial(ledger, "1.0.0", { kind: "everyone" }, START_MS);
    const running = { version: "2.0.0", digest: NEXT, releaseCounter: 2, platform: { os: "linux", arch: "x64" } };
    const staged = { running, stagedDigest: digest("1") };
    const list = new Map([[NEXT, listed]]);
    applyList(ledger, new Map([...list, [digest("1"), { ...listed, version: "1.0.0", releaseCounter: 1 }]]));
    expect(verdictOf(ledger, inside, START_MS, staged)).toMatchObject({ reason: "UP_TO_DATE" });
    applyList(ledger, new Map([...list, [digest("1"), { ...listed, version: "1.0.0", releaseCounter: 3 }]]));
    expect(ledger.releases.map(({ version }) => version)).toEqual(["1.0.0", "2.0.0"]);
    expect(verdictOf(ledger, inside, START_MS, staged)).toMatchObject({
      decision: "GO",
      target: { release: { version: "1.0.0", releaseCounter: 3 } },
    });
  });

  test("a build under another counter or version than its release's is not offered with it", () => {
    const { ledger } = fleet(undefined);
    const [release] = ledger.releases;
    const arm = { ...releaseOf(2).builds[0], digest: digest("a"), platform: { os: "linux", arch: "arm64" } };
    ledger.releases = [{ ...(release as Release), builds: [...(release?.builds ?? []), arm as Release["builds"][0]] }];
    const flags = (entry: Partial<typeof listed>): readonly boolean[] => {
      applyList(
        ledger,
        new Map([
          [NEXT, listed],
          [digest("a"), { ...listed, ...entry }],
        ]),
      );
      return ledger.releases.flatMap(({ builds }) => builds.map((build) => build.listed));
    };
    expect(flags({})).toEqual([true, true]);
    expect(flags({ releaseCounter: 3 })).toEqual([false, true]);
    expect(flags({ version: "9.9.9" })).toEqual([true, false]);
  });
});
