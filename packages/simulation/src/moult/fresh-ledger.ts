/** Ledgers for a simulated fleet: an empty one, and one as it is after the coordinator was restarted. */
import { type Ledger, type LedgerConfig, admit, createLedger, hold, poolOf, publish } from "@moult/policy";
import type { Fleet } from "../world/fleet.ts";
import { EPOCH_MS, RELEASE } from "./messages.ts";

/** Admits every node of a fleet and publishes the release; its dial stands at nobody. */
export function freshLedger(config: LedgerConfig, fleet: Fleet, nowMs: number): Ledger {
  const ledger = createLedger(config, nowMs);
  publish(ledger, RELEASE);
  for (let node = 0; node < fleet.nodes; node += 1) {
    admit(ledger, {
      nodeId: nodeName(node),
      poolId: `pool-${fleet.poolOf[node]}`,
      publicKey: "",
      model: "box",
      labels: {},
      domains: [`isp-${fleet.isp[node]}`],
      enrolledAtMs: EPOCH_MS,
    });
  }
  return ledger;
}

/** What is left after a restart: what was durable. Loads and what was learned are not; demand is, as a total. */
export function restarted(before: Ledger, nowMs: number): Ledger {
  const ledger = createLedger(before.config, nowMs);
  ledger.releases = before.releases;
  for (const [version, dial] of before.dials) ledger.dials.set(version, dial);
  for (const node of before.nodes.values()) {
    const again = admit(ledger, node.identity);
    again.running = node.running;
    again.bootId = node.bootId;
    again.sequence = node.sequence;
    again.lost = node.lost;
    again.lastOutcome = node.lastOutcome;
    again.lastOutcomeKey = node.lastOutcomeKey;
    again.deniedDigests = node.deniedDigests;
  }
  for (const [poolId, pool] of before.pools) poolOf(ledger, poolId).carryDemand(pool.demandMilli);
  for (const node of before.nodes.values()) {
    const again = ledger.nodes.get(node.identity.nodeId);
    if (node.permit !== undefined && again !== undefined) hold(ledger, again, node.permit);
  }
  Object.assign(ledger.tally, before.tally);
  return ledger;
}

/** A node's name. */
export function nodeName(node: number): string {
  return `n${node}`;
}
