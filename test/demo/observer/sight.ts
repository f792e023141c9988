/**
 * What can be seen of one node from outside: which version answers, whether it takes work, and for how long it did not.
 * It is shown what a probe found, and when; it asks nobody and believes nothing but the node's own door.
 */

/** What a node's `/healthz` said. */
export interface Answer {
  readonly version: string;
  readonly phase: string;
  /** What it can carry, in requests a second. */
  readonly capacityRps: number;
  readonly message: string;
}

/** One node as seen from outside. */
export class Sight {
  readonly #absencesMs: number[] = [];
  readonly #versionsSeen = new Set<string>();
  #last: Answer | undefined;
  #lastServedMs: number | undefined;
  #serving = false;

  /** At `nowMs` the node answered, or (undefined) did not. */
  see(nowMs: number, answer: Answer | undefined): void {
    this.#last = answer ?? this.#last;
    if (answer !== undefined) this.#versionsSeen.add(answer.version);
    const serving = answer?.phase === "SERVING";
    if (serving && !this.#serving && this.#lastServedMs !== undefined)
      this.#absencesMs.push(nowMs - this.#lastServedMs);
    if (serving) this.#lastServedMs = nowMs;
    this.#serving = serving;
  }

  /** Absences count from now; what the node is doing is known already. */
  begin(): void {
    this.#absencesMs.length = 0;
  }

  get serving(): boolean {
    return this.#serving;
  }

  /** Served before and does not now. */
  get away(): boolean {
    return !this.#serving && this.#lastServedMs !== undefined;
  }

  /** What it last said; undefined before it ever answered. */
  get last(): Answer | undefined {
    return this.#last;
  }

  /** Every version that ever answered, also one that said it cannot work. */
  get versionsSeen(): ReadonlySet<string> {
    return this.#versionsSeen;
  }

  /** Each absence that has ended, from when it was last seen to serve until it was seen to serve again. */
  get absencesMs(): readonly number[] {
    return this.#absencesMs;
  }
}
