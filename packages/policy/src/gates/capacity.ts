/**
 * Gate 3. Can the rest of the pool carry the work until the node is back? It knows measured load, shards and domains,
 * and nothing of builds or of the dial. It reads the pool and changes nothing.
 */
import type { Override } from "../domain/override.ts";
import { Said } from "../domain/said.ts";
import type { GateResult, Measure, Reason } from "../domain/verdict.ts";
import type { AbsenceCurve } from "../pool/absence.ts";
import { type Member, Pool } from "../pool/pool.ts";
import { fromMilli, toMilli } from "../pool/units.ts";
import { type Weighing, weigh } from "./weigh.ts";

/** What gate 3 looks at. */
export interface CapacityInput {
  readonly pool: Pool;
  readonly member: Member;
  /** What absences for the build in question are like. */
  readonly curve: AbsenceCurve;
  /** False while the workload holds its lock. */
  readonly interruptible: boolean;
  /** An override that holds for this node now, if there is one. */
  readonly override: Override | undefined;
  /** The pool's hold, where it is another node. */
  readonly hold: Member | undefined;
  /** How near a deadline is: 0 not at all, 1 reached. It may shrink what the reserve covers, and nothing else. */
  readonly pressure: number;
  /** Somebody wants to know how much is missing at the worst moment, not only that something is. */
  readonly thorough: boolean;
}

/** Minutes that are remembered before a pool is known well enough to say that a node can never go: a day, less an hour. */
const KNOWN_MIN = 1380;

/** Judges one node. A node that holds a permit is charged already; then what is left must suffice without it. */
export function capacityGate(input: CapacityInput): GateResult {
  const { pool, member, override } = input;
  const { z, zLeast } = pool.risk;
  const own = Pool.counts(member) ? member.capacityMilli : 0;
  const holdMilli = input.hold?.capacityMilli ?? 0;
  const weighing = weigh({
    pool,
    member,
    curve: input.curve,
    holdMilli,
    z: Math.min(z, z + (zLeast - z) * input.pressure),
    thorough: input.thorough || override !== undefined,
  });
  const after = pool.capacityFreshMilli - own - holdMilli;
  const shortfall = Math.max(Math.ceil(weighing.shortfallMilli), flatNeedMilli(pool) - after, 0);
  const facts: Facts = {
    freshMilli: pool.capacityFreshMilli,
    afterMilli: after,
    demandMilli: pool.demandMilli,
    holdMilli,
    shortfallMilli: shortfall,
    weighing,
  };
  const say = (passed: boolean, reason: Reason, words: () => string): GateResult =>
    new Said({ gate: "CAPACITY", passed, reason }, words, () => measuresOf(facts));
  if (!member.fresh && !member.onLeave) {
    return say(false, "REPORT_STALE", () => "the node has not said lately how it is");
  }
  if (!input.interruptible) return say(false, "WORKLOAD_LOCKED", () => "the workload holds its lock");
  const tied = tiedBy(pool, member);
  if (tied !== undefined && override?.allowShardAndDomain !== true) return say(false, tied.reason, () => tied.message);
  if (shortfall === 0 && tied === undefined) return say(true, "PASSED", () => inWords(facts));
  if (override !== undefined && shortfall <= toMilli(override.deficitMaxRps)) {
    return say(true, "OVERRIDDEN", () => `override ${override.overrideId} (${override.reason}): ${inWords(facts)}`);
  }
  return refuseShort(pool, own, facts);
}

/** Capacity that must serve at this moment, whatever the forecast: the demand with the flat margin. */
export function flatNeedMilli(pool: Pool): number {
  return Math.ceil(pool.demandMilli * (1 + pool.config.marginRatio));
}

/** What must keep serving, for operators: the flat need, or the forecast of the next minutes where that is more. */
export function capacityNeedMilli(pool: Pool): number {
  return Math.max(flatNeedMilli(pool), Math.ceil(pool.demandMilli * Math.max(...pool.outlook.growth)));
}

/** Refuses, and says so where no moment of the last seven days would have done: waiting alone will not help. */
function refuseShort(pool: Pool, own: number, facts: Facts): GateResult {
  const { history } = pool.outlook;
  const wanted = own + facts.weighing.reserveMilli;
  const never = history.minutes >= KNOWN_MIN ? Math.ceil(wanted - history.bestSpare()) : 0;
  const infeasible = never > 0;
  return new Said(
    { gate: "CAPACITY", passed: false, reason: infeasible ? "INFEASIBLE" : "CAPACITY_SHORT" },
    () => {
      const words = `${inWords(facts)}: short of ${fmt(facts.shortfallMilli)}`;
      return infeasible
        ? `waiting will not help: at the best moment of the last seven days ${fmt(never)} were missing; ${words}`
        : words;
    },
    () => [
      ...measuresOf(facts),
      ...(infeasible ? [{ name: "infeasible_shortfall_rps", value: fromMilli(never) }] : []),
    ],
  );
}

/** What was weighed, as it was when it was weighed. */
interface Facts {
  readonly freshMilli: number;
  readonly afterMilli: number;
  readonly demandMilli: number;
  readonly holdMilli: number;
  readonly shortfallMilli: number;
  readonly weighing: Weighing;
}

function measuresOf({ weighing, ...facts }: Facts): readonly Measure[] {
  return [
    { name: "capacity_fresh_rps", value: fromMilli(facts.freshMilli) },
    { name: "capacity_after_rps", value: fromMilli(facts.afterMilli) },
    { name: "demand_rps", value: fromMilli(facts.demandMilli) },
    { name: "need_rps", value: fromMilli(weighing.needMilli) },
    { name: "reserve_rps", value: fromMilli(weighing.reserveMilli) },
    { name: "hold_rps", value: fromMilli(facts.holdMilli) },
    { name: "horizon_min", value: weighing.horizonMin },
    { name: "shortfall_rps", value: fromMilli(facts.shortfallMilli) },
  ];
}

function inWords({ weighing, afterMilli, demandMilli }: Facts): string {
  const { needMilli, reserveMilli, spareMilli, horizonMin } = weighing;
  const when = horizonMin === 0 ? "now" : `in ${horizonMin} min`;
  const tightest = `${fmt(spareMilli)} would serve ${when}, ${fmt(needMilli)} and a reserve of ${fmt(reserveMilli)} are needed`;
  return `${fmt(afterMilli)} would be left for a demand of ${fmt(demandMilli)}; ${tightest}`;
}

/** The shard or the domain that holds a node back, if one does. */
function tiedBy(
  pool: Pool,
  member: Member,
): { readonly reason: "SHARD_MINIMUM" | "DOMAIN_CAP"; readonly message: string } | undefined {
  const own = Pool.counts(member) ? 1 : 0;
  // A holder that serves nothing holds nothing up: its leave changes nothing, and an update may be what it needs.
  const holds = member.onLeave ? member.heldShards : own === 1;
  for (const shard of holds ? member.shards : []) {
    const left = pool.liveHolders(shard) - own;
    if (left < pool.config.shardHoldersMin) {
      const message = `shard ${shard} would have ${left} live holders, ${pool.config.shardHoldersMin} are wanted`;
      return { reason: "SHARD_MINIMUM", message };
    }
  }
  if (member.domains.length === 0) return undefined;
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
