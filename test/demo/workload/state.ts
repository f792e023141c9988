/** What the workload is doing, as both its agent and the outside may ask. One small state machine, no I/O. */

/** STOPPING is the workload's own: told to end, it takes no connection and finishes what it has. */
export type Phase = "STARTING" | "SERVING" | "DRAINING" | "FAILED" | "STOPPING";

/** The workload's phase, and why where it failed. */
export class WorkState {
  #phase: Phase = "STARTING";
  #message = "";

  get phase(): Phase {
    return this.#phase;
  }

  get message(): string {
    return this.#message;
  }

  /** The start is over: `missing` says what is not there, if anything. */
  started(missing: string | undefined): void {
    if (this.#phase !== "STARTING") return;
    this.#phase = missing === undefined ? "SERVING" : "FAILED";
    this.#message = missing ?? "";
  }

  drain(): void {
    if (this.#phase === "SERVING") this.#phase = "DRAINING";
  }

  restore(): void {
    if (this.#phase === "DRAINING") this.#phase = "SERVING";
  }

  stop(): void {
    this.#phase = "STOPPING";
  }

  /** Work that arrives is done while serving and, for those who have not heard yet, while draining. */
  get takesWork(): boolean {
    return this.#phase === "SERVING" || this.#phase === "DRAINING" || this.#phase === "STOPPING";
  }
}
