/**
 * Tells streams that the server stops. Streams are many and last for long, so one listener does for all of them: a signal that
 * follows two others costs each stream some kilobytes. Knows nothing of how a stream ends.
 */

/** A stream that can be told. */
interface Stoppable {
  readonly stop: () => void;
}

/** The streams of a service, each from its beginning to its end. */
export class Stopping {
  readonly #signal: AbortSignal;
  readonly #streams = new Set<Stoppable>();

  /** Once `signal` is aborted, each stream is told once. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#tell(), { once: true });
  }

  /** Whether the server stops, or has. */
  get isOn(): boolean {
    return this.#signal.aborted;
  }

  /** A stream has begun; where the server stops already, it is told at once. */
  add(stream: Stoppable): void {
    if (this.isOn) stream.stop();
    else this.#streams.add(stream);
  }

  /** A stream has ended. */
  delete(stream: Stoppable): void {
    this.#streams.delete(stream);
  }

  #tell(): void {
    const streams = [...this.#streams];
    this.#streams.clear();
    for (const stream of streams) stream.stop();
  }
}
