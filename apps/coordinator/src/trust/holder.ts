/** Where the one state of what is carried stands. It changes within moves of the owner only, so that it is stored with them. */
import type { Carried } from "./carried.ts";

/** The state. */
export class TrustHolder {
  #carried: Carried | undefined;

  /** Whether anything was loaded. */
  get isSet(): boolean {
    return this.#carried !== undefined;
  }

  /** What is carried now; it may still wait to be written. */
  get current(): Carried {
    if (this.#carried === undefined) throw new Error("asked before anything was loaded");
    return this.#carried;
  }

  /** Takes the next state. */
  set(carried: Carried): void {
    this.#carried = carried;
  }
}
