/**
 * Judges the truth, minute by minute. A violation is a pool-minute in which a pool serves less than is asked of it, and would
 * have served it had nobody been on leave. It knows nothing of any policy and shares no code with the ledger.
 */
import { MINUTE_MS } from "../world/options.ts";
import type { Running } from "./running.ts";

/** The assumption that failed. `policy`: none; the policy let more go than the moment could bear. */
export type Cause = "demand" | "churn" | "outage" | "overstay" | "policy";

/** Violations by cause. */
export type Causes = Record<Cause, number>;

/** A leave that lasts longer than this has overstayed what anybody would have predicted: drain 3, update 5, and half again. */
const OVERSTAY_MS = 20 * MINUTE_MS;

/** A pool as it was when the last node left it. */
interface Snapshot {
  demand: number;
  serving: number;
  churned: number;
  lostToOutage: number;
}

/** The referee. */
export class Referee {
  readonly violationsBy: Causes = { demand: 0, churn: 0, outage: 0, overstay: 0, policy: 0 };
  /** Work that was not done because nodes were on leave, in units of work a second × minutes. */
  lostWork = 0;
  /** The deepest violation as a share of the demand. */
  worstShortfall = 0;
  /** Nodes on leave at the beginning of each minute. */
  readonly awayByMinute: Int32Array;
  readonly #engine: Running;
  readonly #onLeave: Set<number>[];
  readonly #atLastLeave: Snapshot[];
  readonly #churned: Float64Array;
  readonly #lostToOutage: Float64Array;
  #away = 0;

  constructor(engine: Running) {
    const { pools } = engine.world.fleet;
    this.#engine = engine;
    this.awayByMinute = new Int32Array(engine.world.minutes);
    this.#onLeave = Array.from({ length: pools }, () => new Set());
    this.#atLastLeave = Array.from({ length: pools }, () => ({ demand: 0, serving: 0, churned: 0, lostToOutage: 0 }));
    this.#churned = new Float64Array(pools);
    this.#lostToOutage = new Float64Array(pools);
  }

  /** All violations. */
  get violations(): number {
    return Object.values(this.violationsBy).reduce((sum, count) => sum + count, 0);
  }

  /** A node left; it was taken out of `serving` already. */
  left(node: number): void {
    const { world, serving } = this.#engine;
    const pool = world.fleet.poolOf[node] as number;
    this.#away += 1;
    this.#onLeave[pool]?.add(node);
    this.#atLastLeave[pool] = {
      demand: this.#engine.demandNow(pool),
      serving: serving[pool] as number,
      churned: this.#churned[pool] as number,
      lostToOutage: this.#lostToOutage[pool] as number,
    };
  }

  /** A node's leave is over. */
  cameBack(node: number): void {
    this.#away -= 1;
    this.#onLeave[this.#engine.world.fleet.poolOf[node] as number]?.delete(node);
  }

  /** A node that served is gone. */
  vanished(node: number, byOutage: boolean): void {
    const { poolOf, capacity } = this.#engine.world.fleet;
    const pool = poolOf[node] as number;
    const sums = byOutage ? this.#lostToOutage : this.#churned;
    sums[pool] = (sums[pool] as number) + (capacity[node] as number);
  }

  /** Looks at every pool at the beginning of a minute. */
  minute(minute: number): void {
    const { serving, upAll } = this.#engine;
    this.awayByMinute[minute] = this.#away;
    if (this.#away === 0) return;
    for (let pool = 0; pool < serving.length; pool += 1) {
      const demand = this.#engine.demandNow(pool);
      const short = demand - (serving[pool] as number);
      if (short <= 0 || demand > (upAll[pool] as number)) continue;
      this.violationsBy[this.#cause(pool, demand, short)] += 1;
      this.lostWork += short;
      this.worstShortfall = Math.max(this.worstShortfall, short / demand);
    }
  }

  /**
   * What went wrong since the last node left: where the pool was short at that very moment, the policy; where the nodes that
   * overstay would have covered the shortfall, they; else whatever took most.
   */
  #cause(pool: number, demand: number, short: number): Cause {
    const then = this.#atLastLeave[pool] as Snapshot;
    const { world, nowMs, leftMs } = this.#engine;
    if (then.serving < then.demand) return "policy";
    let overstayed = 0;
    for (const node of this.#onLeave[pool] ?? []) {
      if (nowMs - (leftMs[node] as number) > OVERSTAY_MS) overstayed += world.fleet.capacity[node] as number;
    }
    if (overstayed >= short) return "overstay";
    const rise = demand - then.demand;
    const churn = (this.#churned[pool] as number) - then.churned;
    const outage = (this.#lostToOutage[pool] as number) - then.lostToOutage;
    if (outage >= churn && outage >= rise) return "outage";
    return churn >= rise ? "churn" : "demand";
  }
}
