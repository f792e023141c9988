/**
 * Gate 3. Can the rest of the pool carry the work until the node is back? It knows measured load, shards and domains,
 * and nothing of builds or of the dial. It reads the pool and changes nothing.
 */
import type { Override } from "../domain/override.ts";
import { type GateResult, type Measure, pass, refuse } from "../domain/verdict.ts";
import { type Member, Pool } from "../pool/pool.ts";
import { fromMilli, toMilli } from "../pool/units.ts";

/** What gate 3 looks at. */
export interface CapacityInput {
  readonly pool: Pool;
  readonly member: Member;
  /** False while the workload holds its lock. */
  readonly interruptible: boolean;
  /** An override that holds for this node now, if there is one. */
  readonly override: Override | undefined;
}

/** Judges one node. A node that holds a permit is charged already; then what is left must suffice without it. */
export function capacityGate({ pool, member, interruptible, override }: CapacityInput): GateResult {
  const own = Pool.counts(member) ? member.capacityMilli : 0;
  const after = pool.capacityFreshMilli - own;
  const need = capacityNeedMilli(pool);
  const shortfall = Math.max(0, need - after);
  const measures: readonly Measure[] = [
    { name: "capacity_fresh_rps", value: fromMilli(pool.capacityFreshMilli) },
    { name: "capacity_after_rps", value: fromMilli(after) },
    { name: "demand_rps", value: fromMilli(pool.demandMilli) },
    { name: "need_rps", value: fromMilli(need) },
    { name: "shortfall_rps", value: fromMilli(shortfall) },
  ];
  if (!member.fresh && !member.onLeave) {
    return refuse("CAPACITY", "REPORT_STALE", "the node has not said lately how it is", measures);
  }
  if (!interruptible) return refuse("CAPACITY", "WORKLOAD_LOCKED", "the workload holds its lock", measures);
  const tied = tiedBy(pool, member);
  if (tied !== undefined && override?.allowShardAndDomain !== true) {
    return refuse("CAPACITY", tied.reason, tied.message, measures);
  }
  const words = `${fmt(after)} would serve, ${fmt(need)} are needed for a demand of ${fmt(pool.demandMilli)}`;
  if (shortfall === 0 && tied === undefined) return pass("CAPACITY", words, measures);
  if (override !== undefined && shortfall <= toMilli(override.deficitMaxRps)) {
    const message = `override ${override.overrideId} (${override.reason}): ${words}`;
    return { gate: "CAPACITY", passed: true, reason: "OVERRIDDEN", message, measures };
  }
  return refuse("CAPACITY", "CAPACITY_SHORT", `${words}: short of ${fmt(shortfall)}`, measures);
}

/** What must keep serving: the demand, the asker's own included, with the margin. */
export function capacityNeedMilli(pool: Pool): number {
  return Math.ceil(pool.demandMilli * (1 + pool.config.marginRatio));
}

/** The shard or the domain that holds a node back, if one does. */
function tiedBy(
  pool: Pool,
  member: Member,
): { readonly reason: "SHARD_MINIMUM" | "DOMAIN_CAP"; readonly message: string } | undefined {
  const own = Pool.counts(member) ? 1 : 0;
  for (const shard of member.shards) {
    const left = pool.liveHolders(shard) - own;
    if (left < pool.config.shardHoldersMin) {
      const message = `shard ${shard} would have ${left} live holders, ${pool.config.shardHoldersMin} are wanted`;
      return { reason: "SHARD_MINIMUM", message };
    }
  }
  const cap = Math.floor(pool.capacityAllMilli * pool.config.domainCapRatio);
  for (const domain of member.domains) {
    const others = pool.onLeaveInDomainMilli(domain) - member.chargedMilli;
    // The first of a domain may always leave, or a pool within one house could never be updated.
    if (others > 0 && others + member.capacityMilli > cap) {
      const message = `${fmt(others)} of domain ${domain} are on leave already, ${fmt(cap)} may be`;
      return { reason: "DOMAIN_CAP", message };
    }
  }
  return undefined;
}

function fmt(milli: number): string {
  return fromMilli(milli).toFixed(1);
}
