/**
 * What every node does at a fixed phase of a fixed period: pulses, and asks of those that are up to date. Nodes stand on a
 * ring by their phase, so the next is found at no cost, which matters as nearly all events of a large world are these.
 */
import { type Stream, uniform } from "../random.ts";

/** The ring. */
export class Carousel {
  readonly #periodMs: number;
  readonly #phaseMs: Float64Array;
  readonly #nodes: Int32Array;
  #index = 0;
  #turnMs = 0;
  /** When the next node is due; Infinity where the period is 0. */
  nextMs: number;

  constructor(
    nodes: number,
    periodMs: number,
    draw: { readonly seed: number; readonly stream: Stream; readonly offset: number },
  ) {
    const phases = Float64Array.from({ length: nodes }, (_, node) =>
      Math.floor(uniform(draw.seed, draw.stream, node + draw.offset) * periodMs),
    );
    this.#periodMs = periodMs;
    this.#nodes = Int32Array.from({ length: nodes }, (_, node) => node).sort(
      (a, b) => (phases[a] as number) - (phases[b] as number) || a - b,
    );
    this.#phaseMs = Float64Array.from(this.#nodes, (node) => phases[node] as number);
    this.nextMs = periodMs > 0 && nodes > 0 ? (this.#phaseMs[0] as number) : Number.POSITIVE_INFINITY;
  }

  /** Takes the node that is due and turns to the next. */
  take(): number {
    const node = this.#nodes[this.#index] as number;
    this.#index += 1;
    if (this.#index === this.#nodes.length) {
      this.#index = 0;
      this.#turnMs += this.#periodMs;
    }
    this.nextMs = this.#turnMs + (this.#phaseMs[this.#index] as number);
    return node;
  }
}
