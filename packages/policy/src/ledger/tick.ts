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

/** Lets a pool's reports grow old. A node that has fallen silent is lost until its next word, and routers are told. */
export function ageOut(
  ledger: Ledger,
  pool: Pool,
  now: number,
): { readonly changes: readonly Change[]; readonly effects: readonly Effect[] } {
  const stale = pool.age(now);
  if (stale.length === 0) return NOTHING;
  const nodes = stale.map((nodeId) => ledger.nodes.get(nodeId)).filter((node) => node !== undefined);
  for (const node of nodes) if (node.permit === undefined) node.lost = true;
  return {
    changes: nodes.map((node) => ({ kind: "node", node })),
    effects: stale.map((nodeId) => ({ kind: "member-changed", nodeId })),
  };
}

/** To be called about once a second. */
export function tick(ledger: Ledger, now: number): Step<void> {
  const expired = expireDue(ledger, now);
  const changes: Change[] = [...expired.changes];
  const effects: Effect[] = [...expired.effects];
  for (const pool of ledger.pools.values()) {
    const aged = ageOut(ledger, pool, now);
    changes.push(...aged.changes);
    effects.push(...aged.effects);
  }
  if (!ledger.unheardAged && now - ledger.startedAtMs > ledger.config.pool.reportFreshMs) {
    ledger.unheardAged = true;
    for (const [nodeId, node] of ledger.nodes) {
      const silent = node.reportedAtMs === undefined && stateOf(ledger, node, now) === "LOST";
      if (silent) effects.push({ kind: "member-changed", nodeId });
    }
  }
  for (const override of ledger.overrides.values()) {
    if (override.expiresAtMs > now) continue;
    ledger.overrides.delete(override.overrideId);
    changes.push({ kind: "override-ended", override });
  }
  return { answer: undefined, changes, effects };
}
