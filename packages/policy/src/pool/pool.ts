/**
 * A pool's counters: what serves, what is wanted, who is on leave. Everything is kept by deltas: a report or a grant is
 * O(shards + domains of that node), ageing and the largest node O(log n). It keeps the books and decides nothing; gate 3
 * reads it.
 */
import type { Situation } from "../domain/situation.ts";
import { CarriedDemand } from "./carried.ts";
import type { PoolConfig } from "./config.ts";
import { Largest } from "./largest.ts";
import { type Leave, MemberTable, type MemberView } from "./member.ts";
import { Outlook } from "./outlook.ts";
import { Recency } from "./recency.ts";
import { RISK_DEFAULTS, type RiskConfig } from "./risk.ts";
import { fromMilli, toMilli } from "./units.ts";
import { Waiting } from "./waiting.ts";

/** A node as its pool counts it. */
export type Member = MemberView<Pool>;

/** The pool. */
export class Pool {
  readonly poolId: string;
  readonly config: PoolConfig;
  readonly risk: RiskConfig;
  readonly outlook: Outlook = new Outlook();
  readonly waiting: Waiting<Member> = new Waiting();
  readonly #table = new MemberTable<Pool>(this);
  readonly #members: Member[] = [];
  /** Members that were heard lately, and members whose last load still counts though they are silent. */
  readonly #byReport = new Recency<Member>();
  readonly #silent = new Recency<Member>();
  readonly #largest = new Largest<Member>((member, milli) => Pool.counts(member) && member.capacityMilli === milli);
  readonly #onLeaveByDomain = new Map<string, number>();
  readonly #liveByShard = new Map<string, number>();
  #capacityFreshMilli = 0;
  #capacityAllMilli = 0;
  #demandMilli = 0;
  #onLeaveCount = 0;
  #chargedMilli = 0;
  #freshCount = 0;
  #capacitySquares = 0;
  #capacityCubes = 0;
  readonly #carried = new CarriedDemand();
  /** No report is too old before this; the oldest only ever gets younger, so that it need not be looked at each time. */
  #nextStaleMs = Number.POSITIVE_INFINITY;

  constructor(poolId: string, config: PoolConfig) {
    this.poolId = poolId;
    this.config = config;
    this.risk = { ...RISK_DEFAULTS, ...config.risk };
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
    return this.#demandMilli + this.#carried.totalMilli;
  }
  get memberCount(): number {
    return this.#members.length;
  }
  get onLeaveCount(): number {
    return this.#onLeaveCount;
  }
  /** Capacity that nodes on leave were charged with. */
  get chargedMilli(): number {
    return this.#chargedMilli;
  }
  /** Sum of the squares of what serves, in units of work a second; by floating point, for variances only. */
  get capacitySquares(): number {
    return Math.max(0, this.#capacitySquares) * 1_000_000;
  }
  /** Capacity of a typical node that serves; 0 where none does. */
  get meanCapacityMilli(): number {
    return this.#freshCount > 0 ? this.#capacityFreshMilli / this.#freshCount : 0;
  }
  /** Sum of the cubes of what serves. */
  get capacityCubes(): number {
    return Math.max(0, this.#capacityCubes) * 1_000_000_000;
  }
  /** Capacity of the largest node that serves, a given one left out. */
  largestMilliWithout(member: Member): number {
    return this.#largest.topWithout(member);
  }
  onLeaveInDomainMilli(domain: string): number {
    return this.#onLeaveByDomain.get(domain) ?? 0;
  }
  liveHolders(shard: string): number {
    return this.#liveByShard.get(shard) ?? 0;
  }

  /** Takes a node in; it brings nothing until it reports. To be called once for a node. */
  enrol(nodeId: string, domains: readonly string[]): Member {
    const member = this.#table.add(nodeId, domains);
    this.#members.push(member);
    return member;
  }

  /** After a restart: a total that was written down stands for the members until they speak. */
  carryDemand(totalMilli: number): void {
    this.#carried.start(totalMilli, this.#members);
  }

  /** Counts what a node says. */
  report(member: Member, situation: Situation, now: number): void {
    this.#carried.replace(member);
    const capacityMilli = toMilli(situation.capacityRps);
    const loadMilli = toMilli(situation.loadRps);
    const able = situation.workState === "SERVING" || situation.workState === "NONE";
    this.#demandMilli += loadMilli - member.loadMilli;
    member.loadMilli = loadMilli;
    // Most reports change nothing but the load.
    const same =
      able === member.able && capacityMilli === member.capacityMilli && sameShards(situation.shards, member.shards);
    if (!same || !member.fresh) {
      this.#uncount(member);
      this.#capacityAllMilli += capacityMilli - member.capacityMilli;
      member.capacityMilli = capacityMilli;
      member.shards = situation.shards;
      member.able = able;
      member.fresh = true;
      if (member.silentSinceMs !== undefined) this.#heard(member);
      this.#count(member);
    }
    member.reportedAtMs = now;
    this.#byReport.touch(member);
    if (this.#nextStaleMs === Number.POSITIVE_INFINITY) this.#nextStaleMs = now + this.config.reportFreshMs;
  }

  /** Charges a node that was let go: at once, before it has drained. */
  leave(member: Member, leave: Leave): void {
    if (member.onLeave) return;
    member.heldShards = !member.fresh || Pool.counts(member);
    this.#uncount(member);
    member.onLeave = true;
    member.leave = leave;
    member.chargedMilli = member.capacityMilli || leave.claimMilli;
    this.#chargedMilli += member.chargedMilli;
    this.#onLeaveCount += 1;
    this.outlook.left(leave.curve, leave.sinceMs, member.chargedMilli);
    for (const domain of member.domains) this.#shift(this.#onLeaveByDomain, domain, member.chargedMilli);
  }

  /**
   * Ends a leave; `known` where the node came back, not where its permit ran out. Capacity comes back only if the node's next
   * report brings it: the last one is void.
   */
  endLeave(member: Member, now: number, known: boolean): void {
    const leave = member.leave;
    if (!member.onLeave || leave === undefined) return;
    this.outlook.ended(leave.curve, leave.sinceMs, member.chargedMilli, { now, known });
    member.onLeave = false;
    member.leave = undefined;
    this.#chargedMilli -= member.chargedMilli;
    this.#onLeaveCount -= 1;
    for (const domain of member.domains) this.#shift(this.#onLeaveByDomain, domain, -member.chargedMilli);
    member.chargedMilli = 0;
    this.#hush(member, now);
  }

  /** It was noticed that the node is gone, since a time, before its report grew old. Its load still counts for a while. */
  vanish(member: Member, sinceMs: number, now: number): void {
    if (!member.fresh) return;
    if (Pool.counts(member)) this.outlook.churn.vanished(member.capacityMilli, now - member.reportedAtMs);
    this.#uncount(member);
    this.#hush(member, sinceMs);
  }

  /** A node on leave has drained: it works at nothing and will say nothing. */
  depart(member: Member, now: number): void {
    this.#uncount(member);
    this.#hush(member, now);
  }

  /**
   * Lets time pass: reports that are too old bring no capacity any more, loads that others must have taken over are
   * forgotten, the outlook moves on. Returns the nodes that have just become stale.
   */
  age(now: number): readonly string[] {
    const quiet = now <= this.#nextStaleMs && this.#silent.oldest === undefined && !this.#carried.pending;
    const stale = quiet ? NONE : this.#ageMembers(now);
    this.outlook.advance(now, this);
    return stale;
  }

  #ageMembers(now: number): readonly string[] {
    let stale: string[] | undefined;
    for (let member = this.#byReport.oldest; member !== undefined; member = this.#byReport.oldest) {
      if (now - member.reportedAtMs <= this.config.reportFreshMs) break;
      this.vanish(member, now, now);
      (stale ??= []).push(member.nodeId);
    }
    // Where nobody is heard any more, nobody can have said what was taken over: then nothing is forgotten.
    const { oldest } = this.#byReport;
    const allSpokenSinceMs = oldest?.reportedAtMs ?? Number.NEGATIVE_INFINITY;
    this.#nextStaleMs =
      oldest === undefined ? Number.POSITIVE_INFINITY : oldest.reportedAtMs + this.config.reportFreshMs;
    for (let member = this.#silent.oldest; member !== undefined; member = this.#silent.oldest) {
      if ((member.silentSinceMs ?? Number.POSITIVE_INFINITY) >= allSpokenSinceMs) break;
      this.#silent.remove(member);
      this.#demandMilli -= member.loadMilli;
      member.loadMilli = 0;
    }
    this.#carried.age(now, 2 * this.config.reportFreshMs, this.#members);
    return stale ?? NONE;
  }

  /** Whether a node's capacity counts now. */
  static counts(member: Member): boolean {
    return member.able && member.fresh && !member.onLeave;
  }

  #count(member: Member): void {
    if (!Pool.counts(member)) return;
    this.#capacityFreshMilli += member.capacityMilli;
    this.#freshCount += 1;
    this.#capacitySquares += fromMilli(member.capacityMilli) ** 2;
    this.#capacityCubes += fromMilli(member.capacityMilli) ** 3;
    this.#largest.add(member, member.capacityMilli);
    for (const shard of member.shards) this.#shift(this.#liveByShard, shard, 1);
  }

  #uncount(member: Member): void {
    if (!Pool.counts(member)) return;
    this.#capacityFreshMilli -= member.capacityMilli;
    this.#freshCount -= 1;
    this.#capacitySquares -= fromMilli(member.capacityMilli) ** 2;
    this.#capacityCubes -= fromMilli(member.capacityMilli) ** 3;
    for (const shard of member.shards) this.#shift(this.#liveByShard, shard, -1);
  }

  /** Nothing that the node said before counts, but its load, for a while. */
  #hush(member: Member, sinceMs: number): void {
    member.fresh = false;
    if (member.silentSinceMs !== undefined) return;
    this.#byReport.remove(member);
    member.silentSinceMs = sinceMs;
    this.#silent.touch(member);
  }

  #heard(member: Member): void {
    this.#silent.remove(member);
    member.silentSinceMs = undefined;
  }

  #shift(counters: Map<string, number>, key: string, by: number): void {
    const value = (counters.get(key) ?? 0) + by;
    if (value === 0) counters.delete(key);
    else counters.set(key, value);
  }
}

const NONE: readonly string[] = [];

/** Whether two lists of shards are the same, in the same order. */
function sameShards(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((shard, index) => shard === b[index]));
}
