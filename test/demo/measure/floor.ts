/**
 * The floor under the fleet, worked out from outside: the nodes that are seen to take work must be able to carry what is
 * asked for, at every look. It knows nothing of how the coordinator decides.
 */

/** What the looks so far have shown. */
export interface FloorFigures {
  /** True where capacity was never below what was asked for. */
  readonly held: boolean;
  /** How many looks there were. */
  readonly samples: number;
  /** The least that was left over, in requests a second; negative where it did not suffice. */
  readonly spareMinRps: number;
}

/** Compares capacity with demand, look by look. */
export class Floor {
  #samples = 0;
  #spareMinRps = Number.POSITIVE_INFINITY;

  /** One look: what the serving nodes can carry, and what is asked for, in requests a second. */
  sample(servingCapacityRps: number, offeredRps: number): void {
    this.#samples += 1;
    this.#spareMinRps = Math.min(this.#spareMinRps, servingCapacityRps - offeredRps);
  }

  /** Without a single look nothing has been shown to hold. */
  figures(): FloorFigures {
    return {
      held: this.#samples > 0 && this.#spareMinRps >= 0,
      samples: this.#samples,
      spareMinRps: this.#spareMinRps,
    };
  }
}
