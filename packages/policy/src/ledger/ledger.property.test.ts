import fc from "fast-check";
import { expect, test } from "vitest";
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
import { publish, setBrake, setDial } from "./administer.ts";
import { ask } from "./ask.ts";
import { type Ledger, poolOf } from "./ledger.ts";
import { report } from "./report.ts";
import { tick } from "./tick.ts";

const IDS = ["a", "b", "c", "d", "e", "f"];

/** What may happen to a fleet, in any order. */
const happening = fc.record({
  kind: fc.constantFrom("ask", "drained", "pulse", "back", "committed", "reverted", "tick", "brake"),
  id: fc.constantFrom(...IDS),
  capacityRps: fc.integer({ min: 0, max: 20 }),
  loadRps: fc.integer({ min: 0, max: 12 }),
  shards: fc.subarray(["s1", "s2"]),
  workState: fc.constantFrom("SERVING", "SERVING", "SERVING", "STOPPED", "FAILED"),
  passMs: fc.integer({ min: 0, max: 40_000 }),
});

/** The books worked out anew from what each node last said and what it was permitted: no code shared with the pool. */
function recomputed(ledger: Ledger, lastSaid: ReadonlyMap<string, number>, now: number) {
  let capacity = 0;
  let demand = 0;
  let demandMost = 0;
  let onLeave = 0;
  const live = new Map<string, number>();
  for (const [id, node] of ledger.nodes) {
    const permit = node.permit;
    const away = permit !== undefined && permit.phase !== "RETURNED";
    if (away) onLeave += 1;
    const heard = lastSaid.get(id);
    const counts = heard !== undefined && now - heard <= CONFIG.pool.reportFreshMs;
    if (counts && permit?.phase !== "AWAY") demand += node.situation.loadRps * 1000;
    demandMost += node.situation.loadRps * 1000;
    if (!counts || away || node.situation.workState !== "SERVING") continue;
    capacity += node.situation.capacityRps * 1000;
    for (const shard of node.situation.shards) live.set(shard, (live.get(shard) ?? 0) + 1);
  }
  return { capacity, demand, demandMost, onLeave, live };
}

test("whatever happens: books equal a recomputation, and no grant goes below the need or takes a shard below its minimum", () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 80 }), (happenings) => {
      const ledger = emptyLedger();
      publish(ledger, releaseOf(2));
      setDial(ledger, "2.0.0", { kind: "everyone" }, START_MS);
      for (const id of IDS) enrolled(ledger, id);
      /** When each node's word last counted; taken away when a leave ends, until it speaks again. */
      const lastSaid = new Map<string, number>();
      /** Whether a node served when it was let go. */
      const served = new Map<string, boolean>();
      let now = START_MS;
      for (const event of happenings) {
        now += event.passMs;
        for (const { permit } of expire(ledger, now)) lastSaid.delete(permit);
        const node = enrolled(ledger, event.id);
        const situation = situationOf({
          capacityRps: event.capacityRps,
          loadRps: event.loadRps,
          shards: event.shards,
          workState: event.workState as "SERVING",
        });
        const permitId = node.permit?.permitId ?? "";
        const before = node.permit;
        if (event.kind === "ask" || event.kind === "drained") {
          const drained = event.kind === "drained" && permitId !== "";
          const more = { situation, stagedDigest: digest("2"), permitId, drained };
          const { answer } = ask(ledger, node, askOf(event.id, more), now);
          lastSaid.set(event.id, now);
          if (before !== undefined && node.permit === undefined) lastSaid.delete(event.id);
          const fresh = answer.decision === "GO" && before === undefined;
          const departed = answer.decision === "GO" && drained && before?.phase === "DRAINING";
          if (fresh || departed) {
            const truth = recomputed(ledger, lastSaid, now);
            expect(truth.capacity).toBeGreaterThanOrEqual(truth.demand * (1 + CONFIG.pool.marginRatio) - 1e-6);
            // A node that serves nothing takes no holder away: its shards were below their minimum without its leave.
            if (fresh) served.set(event.id, event.workState === "SERVING");
            const shards = served.get(event.id) === true ? event.shards : [];
            for (const shard of shards) expect(truth.live.get(shard) ?? 0).toBeGreaterThanOrEqual(1);
          }
        } else if (event.kind === "pulse") {
          report(ledger, node, { ...originOf(event.id), kind: "pulse", situation }, now);
          lastSaid.set(event.id, now);
        } else if (event.kind === "back" && permitId !== "") {
          const phase = "RETURNED" as const;
          report(ledger, node, { ...originOf(event.id), kind: "progress", permitId, phase, situation }, now);
          lastSaid.set(event.id, now);
        } else if (event.kind === "committed" || event.kind === "reverted") {
          const kind = event.kind === "committed" ? ("COMMITTED" as const) : ("REVERTED" as const);
          const outcome = { kind, reason: "NONE", targetDigest: digest("2"), message: "", atMs: now } as const;
          const running = { version: "1.0.0", digest: digest("1"), releaseCounter: 1 };
          report(ledger, node, { ...originOf(event.id), kind: "outcome", permitId, outcome, situation, running }, now);
          lastSaid.set(event.id, now);
        } else if (event.kind === "brake") {
          setBrake(ledger, !ledger.brake.engaged, "test", now);
        }
        poolOf(ledger, "home").age(now);
        const pool = poolOf(ledger, "home");
        const truth = recomputed(ledger, lastSaid, now);
        expect(pool.capacityFreshMilli).toBe(truth.capacity);
        // The load of a silent node counts until everybody else has spoken, so the demand lies between the two.
        expect(pool.demandMilli).toBeGreaterThanOrEqual(truth.demand);
        expect(pool.demandMilli).toBeLessThanOrEqual(truth.demandMost);
        expect(pool.onLeaveCount).toBe(truth.onLeave);
        for (const shard of ["s1", "s2"]) expect(pool.liveHolders(shard)).toBe(truth.live.get(shard) ?? 0);
      }
    }),
    { numRuns: 300 },
  );
});

/** Lets time pass; says whose permits ran out. */
function expire(ledger: Ledger, now: number): readonly { readonly permit: string }[] {
  return tick(ledger, now).changes.flatMap((change) =>
    change.kind === "permit-ended" ? [{ permit: change.permit.nodeId }] : [],
  );
}
