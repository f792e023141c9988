/**
 * The clairvoyant: it knows the demand, every node's sessions and how long each absence will take. It is asked as everybody
 * else is and lets go whoever can leave without a violation, first come first served. The second reference, beside the bound.
 */
import type { Policy } from "../engine/controller.ts";
import type { Running } from "../engine/running.ts";
import { MINUTE_MS } from "../world/options.ts";
import { drainMs, updateMs, upWithoutLeaves } from "../world/world.ts";
import { downAt, upFrom } from "../world/timeline.ts";
import { Books } from "./books.ts";

class Oracle extends Books {
  /** What could leave in each minute: capacity without leaves less demand and what is on leave; Infinity where it is short anyway. */
  readonly #spare: readonly Float64Array[];

  constructor(engine: Running) {
    super(engine);
    const { world } = engine;
    this.#spare = upWithoutLeaves(world).map((up, pool) => {
      const demand = world.demand[pool] as Float64Array;
      return up.map((units, minute) => {
        const spare = units - (demand[minute] as number);
        return spare < 0 ? Number.POSITIVE_INFINITY : spare;
      });
    });
  }

  mayLeave(node: number, pool: number, nowMs: number): boolean {
    const { world, attempt } = this.engine;
    const spare = this.#spare[pool] as Float64Array;
    const units = world.fleet.capacity[node] as number;
    const drainedMs = upFrom(world, node, nowMs + drainMs(world, node, attempt[node] as number));
    const backMs = upFrom(world, node, drainedMs + updateMs(world, node, attempt[node] as number));
    const from = Math.ceil(nowMs / MINUTE_MS);
    const to = Math.min(world.minutes - 1, Math.ceil(backMs / MINUTE_MS) - 1);
    const up = (minute: number): boolean => !downAt(world, node, minute * MINUTE_MS);
    for (let minute = from; minute <= to; minute += 1) {
      if ((spare[minute] as number) < units && up(minute)) return false;
    }
    for (let minute = from; minute <= to; minute += 1) {
      if (up(minute)) spare[minute] = (spare[minute] as number) - units;
    }
    return true;
  }
}

/** `oracle`. */
export const oracle: Policy = { name: "oracle", byPool: true, begin: (engine) => new Oracle(engine) };
