/**
 * The ledger as it was stored. Capacity starts at zero and comes back with each node's first report; demand starts at the
 * last total that was written; permits are durable. There is no other warm-up rule.
 */
import { setImmediate as turn } from "node:timers/promises";
import { type Ledger, type LedgerConfig, adopt, createLedger, hold, poolOf } from "@moult/policy";
import type { Snapshot } from "../store/port.ts";

/** Nodes between two turns of the event loop: a few milliseconds. */
const NODES_A_TURN = 5_000;

/** Builds a ledger from a snapshot, whose nodes are the ledger's from then on. */
export async function restore(snapshot: Snapshot, config: LedgerConfig, now: number): Promise<Ledger> {
  const ledger = createLedger(config, now);
  ledger.releases = snapshot.releases.toSorted((a, b) => b.releaseCounter - a.releaseCounter);
  for (const dial of snapshot.dials) ledger.dials.set(dial.version, dial);
  for (const override of snapshot.overrides) ledger.overrides.set(override.overrideId, override);
  if (snapshot.brake !== undefined) ledger.brake = snapshot.brake;
  if (snapshot.tally !== undefined) Object.assign(ledger.tally, snapshot.tally);
  for (const { poolId } of snapshot.tokens) poolOf(ledger, poolId);
  for (const [n, node] of snapshot.nodes.entries()) {
    if (n > 0 && n % NODES_A_TURN === 0) await turn();
    adopt(ledger, node);
  }
  for (const [poolId, demandMilli] of snapshot.demandByPool) poolOf(ledger, poolId).carryDemand(demandMilli);
  for (const permit of snapshot.permits) {
    const node = ledger.nodes.get(permit.nodeId);
    if (node !== undefined) hold(ledger, node, permit);
  }
  return ledger;
}
