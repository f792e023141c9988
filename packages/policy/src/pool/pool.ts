/**
 * A pool's counters: what serves, what is wanted, who is on leave. Everything is kept by deltas: a report or a grant is
 * O(shards + domains of that node). It keeps the books and decides nothing; gate 3 reads it.
 */
import type { Situation } from "../domain/situation.ts";
import type { PoolConfig } from "./config.ts";
import { Recency, type RecencyLinks } from "./recency.ts";
import { toMilli } from "./units.ts";

/** A node as its pool counts it. Capacity and load in milli-units. */
export interface Member extends RecencyLinks {
  readonly nodeId: string;
  readonly domains: readonly string[];
  capacityMilli: number;
  loadMilli: number;
  shards: readonly string[];
  /** It says that it can work. */
  able: boolean;
  /** Its last report is young enough. */
  fresh: boolean;
  reportedAtMs: number;
  /** A share of the demand from before the coordinator's start stands for it, until it reports. */
  carried: boolean;
  /** It holds a permit and is charged for it. */
  onLeave: boolean;
  /** What it was charged with when it left, to be given back exactly. */
  chargedMilli: number;
}

/** The pool. */
export class Pool {
  readonly poolId: string;
  readonly config: PoolConfig;
  readonly members: Map<string, Member> = new Map();
  readonly #byReport = new Recency<Member>();
  readonly #onLeaveByDomain = new Map<string, number>();
  readonly #liveByShard = new Map<string, number>();
  #capacityFreshMilli = 0;
  #capacityAllMilli = 0;
  #demandMilli = 0;
  #onLeaveCount = 0;
  /** Load of nodes that have not reported since the coordinator started; replaced node by node. */
  #demandCarriedMilli = 0;
  #carriedCount = 0;

  constructor(poolId: string, config: PoolConfig) {
    this.poolId = poolId;
    this.config = config;
  }

  /** Capacity of nodes that serve, hold no permit and reported lately. */
  get capacityFreshMilli(): number {
    return this.#capacityFreshMilli;
  }
  /** Capacity last claimed by all members. */
  get capacityAllMilli(): number {
    return this.#capacityAllMilli;
  }
  /** Load last reported by all members, stale ones included. */
  get demandMilli(): number {
    return this.#demandMilli + this.#demandCarriedMilli;
  }
  get onLeaveCount(): number {
    return this.#onLeaveCount;
  }
  onLeaveInDomainMilli(domain: string): number {
    return this.#onLeaveByDomain.get(domain) ?? 0;
  }
  liveHolders(shard: string): number {
    return this.#liveByShard.get(shard) ?? 0;
  }

  /** Takes a node in; it brings nothing until it reports. */
  enrol(nodeId: string, domains: readonly string[]): Member {
    const known = this.members.get(nodeId);
    if (known !== undefined) return known;
    const member: Member = {
      nodeId,
      domains,
      capacityMilli: 0,
      loadMilli: 0,
      shards: [],
      able: false,
      fresh: false,
      reportedAtMs: Number.NEGATIVE_INFINITY,
      carried: false,
      onLeave: false,
      chargedMilli: 0,
      older: undefined,
      newer: undefined,
    };
    this.members.set(nodeId, member);
    return member;
  }

  /**
   * After a restart: capacity starts at 0, demand at the last total that was written down. As each of those
   * nodes reports for the first time, an equal share of that total is replaced by what the node says.
   */
  carryDemand(totalMilli: number): void {
    this.#demandCarriedMilli = totalMilli;
    this.#carriedCount = this.members.size;
    for (const member of this.members.values()) member.carried = true;
  }

  /** Counts what a node says. */
  report(member: Member, situation: Situation, now: number): void {
    if (member.carried) {
      member.carried = false;
      this.#demandCarriedMilli -= Math.round(this.#demandCarriedMilli / this.#carriedCount);
      this.#carriedCount -= 1;
    }
    this.#uncount(member);
    this.#demandMilli -= member.loadMilli;
    this.#capacityAllMilli -= member.capacityMilli;
    member.capacityMilli = toMilli(situation.capacityRps);
    member.loadMilli = toMilli(situation.loadRps);
    member.shards = situation.shards;
    member.able = situation.workState === "SERVING" || situation.workState === "NONE";
    member.fresh = true;
    member.reportedAtMs = now;
    this.#demandMilli += member.loadMilli;
    this.#capacityAllMilli += member.capacityMilli;
    this.#byReport.touch(member);
    this.#count(member);
  }

  /** Charges a node that was let go: at once, before it has drained. */
  leave(member: Member): void {
    if (member.onLeave) return;
    this.#uncount(member);
    member.onLeave = true;
    member.chargedMilli = member.capacityMilli;
    this.#onLeaveCount += 1;
    for (const domain of member.domains) this.#shift(this.#onLeaveByDomain, domain, member.chargedMilli);
  }

  /** Ends a leave. Capacity comes back only if the node's next report brings it: the last one is void. */
  endLeave(member: Member): void {
    if (!member.onLeave) return;
    member.onLeave = false;
    this.#onLeaveCount -= 1;
    for (const domain of member.domains) this.#shift(this.#onLeaveByDomain, domain, -member.chargedMilli);
    member.chargedMilli = 0;
    member.fresh = false;
    this.#byReport.remove(member);
  }

  /** Lets reports that are too old bring no capacity any more. Returns the nodes that have just become stale. */
  age(now: number): readonly string[] {
    const stale: string[] = [];
    for (let member = this.#byReport.oldest; member !== undefined; member = this.#byReport.oldest) {
      if (now - member.reportedAtMs <= this.config.reportFreshMs) break;
      this.#uncount(member);
      member.fresh = false;
      this.#byReport.remove(member);
      stale.push(member.nodeId);
    }
    return stale;
  }

  /** Whether a node's capacity counts now. */
  static counts(member: Member): boolean {
    return member.able && member.fresh && !member.onLeave;
  }

  #count(member: Member): void {
    if (!Pool.counts(member)) return;
    this.#capacityFreshMilli += member.capacityMilli;
    for (const shard of member.shards) this.#shift(this.#liveByShard, shard, 1);
  }

  #uncount(member: Member): void {
    if (!Pool.counts(member)) return;
    this.#capacityFreshMilli -= member.capacityMilli;
    for (const shard of member.shards) this.#shift(this.#liveByShard, shard, -1);
  }

  #shift(counters: Map<string, number>, key: string, by: number): void {
    const value = (counters.get(key) ?? 0) + by;
    if (value === 0) counters.delete(key);
    else counters.set(key, value);
  }
}
