/**
 * The ledger as it was stored. Capacity starts at zero and comes back with each node's first report; demand starts at the
 * last total that was written; permits are durable. There is no other warm-up rule.
 */
import { type Ledger, type LedgerConfig, admit, createLedger, hold, poolOf } from "@moult/policy";
import type { Snapshot } from "../store/port.ts";

/** Builds a ledger from a snapshot. */
export function restore(snapshot: Snapshot, config: LedgerConfig, now: number): Ledger {
  const ledger = createLedger(config, now);
  ledger.releases = snapshot.releases.toSorted((a, b) => b.releaseCounter - a.releaseCounter);
  for (const dial of snapshot.dials) ledger.dials.set(dial.version, dial);
  for (const override of snapshot.overrides) ledger.overrides.set(override.overrideId, override);
  if (snapshot.brake !== undefined) ledger.brake = snapshot.brake;
  if (snapshot.tally !== undefined) Object.assign(ledger.tally, snapshot.tally);
  for (const { poolId } of snapshot.tokens) poolOf(ledger, poolId);
  for (const { identity, ...state } of snapshot.nodes) Object.assign(admit(ledger, identity), state);
  for (const [poolId, demandMilli] of snapshot.demandByPool) poolOf(ledger, poolId).carryDemand(demandMilli);
  for (const permit of snapshot.permits) {
    const node = ledger.nodes.get(permit.nodeId);
    if (node !== undefined) hold(ledger, node, permit);
  }
  return ledger;
}
