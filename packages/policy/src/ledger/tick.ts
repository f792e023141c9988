/** What happens by time alone: permits run out, reports grow old, overrides end. */
import type { Change, Effect, Step } from "./changes.ts";
import { type Ledger, stateOf } from "./ledger.ts";
import { endPermit } from "./permits.ts";
import type { Pool } from "../pool/pool.ts";

const NOTHING: { readonly changes: readonly Change[]; readonly effects: readonly Effect[] } = {
  changes: [],
  effects: [],
};

/** Ends permits that are due. The node is recorded as lost; its capacity is not given back. */
export function expireDue(
  ledger: Ledger,
  now: number,
): { readonly changes: readonly Change[]; readonly effects: readonly Effect[] } {
  if (!ledger.deadlines.isDue(now)) return NOTHING;
  const changes: Change[] = [];
  const effects: Effect[] = [];
  for (let due = ledger.deadlines.takeDue(now); due !== undefined; due = ledger.deadlines.takeDue(now)) {
    const node = ledger.nodes.get(due.nodeId);
    const permit = node?.permit;
    if (node === undefined || permit === undefined || permit.permitId !== due.permitId) continue;
    node.lost = permit.phase !== "RETURNED";
    if (node.lost) ledger.tally.lost += 1;
    changes.push(...endPermit(ledger, node, permit, { end: "EXPIRED", now }), { kind: "node", node });
    effects.push({ kind: "member-changed", nodeId: due.nodeId });
  }
  return { changes, effects };
}

/** Nodes that fell silent whose rows are written, and of whom routers are told, with a call and a tick: some milliseconds. */
const SILENT_A_CALL = 10;
const SILENT_A_TICK = 2_000;

/**
 * Lets a pool's reports grow old. A node that has fallen silent counts no more and is lost until its next word; routers are told
 * of it, and it is written, now or, where a whole fleet fell silent, in the order of their silence with the next calls.
 */
export function ageOut(
  ledger: Ledger,
  pool: Pool,
  now: number,
  silentMax: number = SILENT_A_CALL,
): { readonly changes: readonly Change[]; readonly effects: readonly Effect[] } {
  const stale = pool.age(now);
  if (stale.length === 0 && ledger.silenced.length === 0) return NOTHING;
  for (const nodeId of stale) {
    const node = ledger.nodes.get(nodeId);
    if (node === undefined) continue;
    if (node.permit === undefined) node.lost = true;
    ledger.silenced.add(node);
  }
  const nodes = ledger.silenced.take(silentMax);
  return {
    changes: nodes.map((node) => ({ kind: "node", node })),
    effects: nodes.map(({ nodeId }) => ({ kind: "member-changed", nodeId })),
  };
}

/** Nodes that are looked at a tick: a walk over a million of them must not hold up who calls. */
const UNHEARD_A_TICK = 2_000;

/** Goes on looking for nodes that were not heard since the start; routers are told of those that do not work. */
function ageUnheard(ledger: Ledger, now: number): readonly Effect[] {
  const effects: Effect[] = [];
  const walk = (ledger.unheard ??= ledger.nodes.values());
  for (let looked = 0; looked < UNHEARD_A_TICK; looked += 1) {
    const { done, value: node } = walk.next();
    if (done === true) {
      ledger.unheard = undefined;
      ledger.unheardAged = true;
      break;
    }
    const silent = node.reportedAtMs === undefined && stateOf(ledger, node, now) === "LOST";
    if (silent) effects.push({ kind: "member-changed", nodeId: node.nodeId });
  }
  return effects;
}

/** To be called about once a second. */
export function tick(ledger: Ledger, now: number): Step<void> {
  const expired = expireDue(ledger, now);
  const changes: Change[] = [...expired.changes];
  const effects: Effect[] = [...expired.effects];
  let silentMax = SILENT_A_TICK;
  for (const pool of ledger.pools.values()) {
    const aged = ageOut(ledger, pool, now, silentMax);
    silentMax -= aged.effects.length;
    changes.push(...aged.changes);
    effects.push(...aged.effects);
  }
  if (!ledger.unheardAged && now - ledger.startedAtMs > ledger.config.pool.reportFreshMs) {
    effects.push(...ageUnheard(ledger, now));
  }
  for (const override of ledger.overrides.values()) {
    if (override.expiresAtMs > now) continue;
    ledger.overrides.delete(override.overrideId);
    changes.push({ kind: "override-ended", override });
  }
  return { answer: undefined, changes, effects };
}
