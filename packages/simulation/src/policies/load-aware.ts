/** Policies that weigh load and look no further than now. */
import type { Policy } from "../engine/controller.ts";
import type { Running } from "../engine/running.ts";
import { Books } from "./books.ts";

/** A node may leave if what is known to be left carries the demand of this moment and a margin. */
class LoadAware extends Books {
  readonly #marginRatio: number;

  constructor(engine: Running, marginRatio: number) {
    super(engine);
    this.#marginRatio = marginRatio;
  }

  mayLeave(node: number, pool: number): boolean {
    const left = (this.capacity[pool] as number) - (this.engine.world.fleet.capacity[node] as number);
    return left >= this.engine.demandNow(pool) * (1 + this.#marginRatio);
  }
}

/** `load-aware`: the policy that a world must trip to count. */
export const loadAware: Policy = { name: "load-aware", byPool: true, begin: (engine) => new LoadAware(engine, 0) };

/** `load-aware-margin`: a flat 10 % above. */
export const loadAwareMargin: Policy = {
  name: "load-aware-margin",
  byPool: true,
  begin: (engine) => new LoadAware(engine, 0.1),
};
