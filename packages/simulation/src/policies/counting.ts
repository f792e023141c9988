/** The policies of the field that count nodes: disruption budgets, semaphores, a share that grows. */
import type { Policy } from "../engine/controller.ts";
import type { Running } from "../engine/running.ts";
import { STREAM, uniform } from "../random.ts";
import { Books } from "./books.ts";

/** A share grows by this much an hour. */
const SHARE_PER_HOUR = 0.05;
const HOUR_MS = 3_600_000;

/** At most a share of a pool's nodes may be unavailable, whether on leave or down, one at least. */
class DisruptionBudget extends Books {
  readonly #share: number;

  constructor(engine: Running, share: number) {
    super(engine);
    this.#share = share;
  }

  mayLeave(_node: number, pool: number): boolean {
    const { firstOf } = this.engine.world.fleet;
    const size = (firstOf[pool + 1] as number) - (firstOf[pool] as number);
    const unavailable = size - (this.ready[pool] as number);
    return unavailable + 1 <= Math.max(1, Math.floor(size * this.#share));
  }
}

/** At most so many nodes of the fleet may be on leave. */
class Semaphore extends Books {
  readonly #places: number;

  constructor(engine: Running, places: number) {
    super(engine);
    this.#places = places;
  }

  mayLeave(): boolean {
    return this.leavesInAll < this.#places;
  }
}

/** A node may leave once the share has reached its position. */
class ShareCursor extends Books {
  mayLeave(node: number, _pool: number, nowMs: number): boolean {
    const { options, fleet } = this.engine.world;
    const share = (SHARE_PER_HOUR * (nowMs - this.engine.startMs)) / HOUR_MS;
    return uniform(options.seed, STREAM.share, node + fleet.offset) < share;
  }
}

/** `pdb-1`, `pdb-10`. */
export function disruptionBudget(percent: number): Policy {
  return { name: `pdb-${percent}`, byPool: true, begin: (engine) => new DisruptionBudget(engine, percent / 100) };
}

/** `semaphore-1`. */
export const semaphoreOne: Policy = { name: "semaphore-1", byPool: false, begin: (engine) => new Semaphore(engine, 1) };

/** `semaphore-1pct`, `semaphore-5pct`. */
export function semaphoreShare(percent: number): Policy {
  return {
    name: `semaphore-${percent}pct`,
    byPool: false,
    begin: (engine) => new Semaphore(engine, Math.max(1, Math.round((engine.world.fleet.nodes * percent) / 100))),
  };
}

/** `share`. */
export const share: Policy = { name: "share", byPool: true, begin: (engine) => new ShareCursor(engine) };
