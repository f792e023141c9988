/**
 * Counts nodes by pool and state. A fleet has a million of them and the process serves calls, so it counts in slices with
 * turns for others in between, keeps the result for a while, and counts only when somebody has asked.
 */
import { setImmediate as turn } from "node:timers/promises";
import { type Ledger, type NodeState, stateOf } from "@moult/policy";

/** Nodes a slice: a few milliseconds. */
const NODES_A_TURN = 5_000;
/** A count is good for so long, in milliseconds. */
const KEEP_MS = 10_000;

/** Nodes by state. */
export type StateCounts = Readonly<Partial<Record<NodeState, number>>>;

/** The counter. */
export class Census {
  readonly #ledger: () => Ledger | undefined;
  readonly #nowMs: () => number;
  #counted: ReadonlyMap<string, StateCounts> = new Map();
  #countedAtMs = Number.NEGATIVE_INFINITY;
  #counting: Promise<void> | undefined;

  /** `ledger` is undefined while there is none; `nowMs` is the ledger's clock. */
  constructor(ledger: () => Ledger | undefined, nowMs: () => number) {
    this.#ledger = ledger;
    this.#nowMs = nowMs;
  }

  /** By pool; empty while there is no ledger. */
  async look(): Promise<ReadonlyMap<string, StateCounts>> {
    if (this.#ledger() === undefined) return new Map();
    if (this.#nowMs() - this.#countedAtMs >= KEEP_MS) {
      this.#counting ??= this.#count().finally(() => (this.#counting = undefined));
      await this.#counting;
    }
    return this.#counted;
  }

  async #count(): Promise<void> {
    const ledger = this.#ledger();
    if (ledger === undefined) return;
    const now = this.#nowMs();
    const counted = new Map<string, Partial<Record<NodeState, number>>>();
    let left = NODES_A_TURN;
    // A map may grow while it is walked; who comes meanwhile is counted, or is counted next time.
    for (const node of ledger.nodes.values()) {
      const { poolId } = node;
      const states = counted.get(poolId) ?? {};
      if (!counted.has(poolId)) counted.set(poolId, states);
      const state = stateOf(ledger, node, now);
      states[state] = (states[state] ?? 0) + 1;
      left -= 1;
      if (left > 0) continue;
      left = NODES_A_TURN;
      await turn();
    }
    this.#counted = counted;
    this.#countedAtMs = now;
  }
}
