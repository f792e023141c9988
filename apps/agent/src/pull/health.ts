/** Which source to try first: in the coordinator's order, but those that failed this pull behind those that did not. */

/** What a pull has learnt of its sources; of no use to the next pull. */
export class Health {
  readonly #failures = new Map<string, number>();

  /** The sources, the fewest failures since they last served first. */
  order(sources: readonly string[]): readonly string[] {
    const failures = (source: string): number => this.#failures.get(source) ?? 0;
    return [...new Set(sources)].sort((one, other) => failures(one) - failures(other));
  }

  failed(source: string): void {
    this.#failures.set(source, (this.#failures.get(source) ?? 0) + 1);
  }

  served(source: string): void {
    this.#failures.delete(source);
  }
}
