/**
 * Pulses that came up streams, on their way to the ledger: one for each node, the newest, beside one that is being taken in, so
 * that however many come they take no more memory than there are nodes. All that have come together are taken in as one move, some hundred at a time;
 * while pulses are refused they wait here, and one that has waited too long, or outlived its stream, is dropped.
 */
import type { Effect, Ledger } from "@moult/policy";
import type { Owner } from "../ledger/owner.ts";
import type { Decided } from "../ledger/written.ts";
import type { Pressure } from "../ledger/pressure.ts";

/** Pulses a move: some milliseconds. */
const PULSES_A_MOVE = 500;

/** While they are refused, it is looked so often whether they still are. */
const LOOK_AGAIN_MS = 250;

/** A pulse that waits. */
export interface WaitingPulse {
  readonly cameAtMs: number;
  /** Whether the stream that it came up has ended: its node may have been counted as vanished since. */
  readonly hasLeft: () => boolean;
  /** Reads it and takes it in. Throws what is wrong with it. */
  readonly takeIn: (
    ledger: Ledger,
    now: number,
  ) => { readonly changes: readonly Decided[]; readonly effects: readonly Effect[] };
  /** Told what was wrong with it, or that the store failed. */
  readonly failed: (error: unknown) => void;
}

/** The pulses that wait. */
export class Pulses {
  readonly #owner: Owner;
  readonly #pressure: Pressure;
  /**
   * Taken out whole, never entry by entry: a map that shrinks and grows gets table after table, of which each old one leads to
   * the next, and so keeps all that ever waited from the collector until its great round.
   */
  #waiting = new Map<string, WaitingPulse>();
  #isRunning = false;

  constructor(owner: Owner, pressure: Pressure) {
    this.#owner = owner;
    this.#pressure = pressure;
  }

  /** A node's newest pulse; it takes the place of one that still waits. */
  put(nodeId: string, pulse: WaitingPulse): void {
    // One that waits is not lost, and is late at most. One that another takes the place of is what refusing costs.
    if (this.#waiting.has(nodeId) && this.#pressure.refuses("PULSE")) this.#pressure.count("PULSE");
    this.#waiting.set(nodeId, pulse);
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    // All that comes within one turn of the event loop is one move.
    await turn();
    while (this.#waiting.size > 0) {
      if (this.#pressure.refuses("PULSE")) await later();
      else await this.#takeAll();
    }
    this.#isRunning = false;
  }

  async #takeAll(): Promise<void> {
    const pulses = [...this.#waiting.values()];
    this.#waiting = new Map();
    while (pulses.length > 0) {
      // Where rows are written it waits for them, so that pulses are never what asks wait for.
      await (this.#take(pulses.splice(0, PULSES_A_MOVE)) ?? turn());
      while (pulses.length > 0 && this.#pressure.refuses("PULSE")) await later();
    }
  }

  /**
   * Most pulses change nothing that is stored, and wait for nothing. For the others it resolves when they are written; who spoke is
   * told where the store fails.
   */
  #take(pulses: readonly WaitingPulse[]): Promise<void> | undefined {
    const spoke: WaitingPulse["failed"][] = [];
    try {
      const written = this.#owner.apply((ledger, now) => {
        const changes: Decided[] = [];
        const effects: Effect[] = [];
        for (const pulse of pulses) {
          // What was held back for as long as a report counts says nothing of now.
          if (pulse.hasLeft() || now - pulse.cameAtMs > ledger.config.pool.reportFreshMs) continue;
          try {
            const step = pulse.takeIn(ledger, now);
            if (step.changes.length > 0) spoke.push(pulse.failed);
            changes.push(...step.changes);
            effects.push(...step.effects);
          } catch (error) {
            // One node's mistake is no other's.
            pulse.failed(error);
          }
        }
        return { answer: undefined, changes, effects };
      });
      return written?.catch((error: unknown) => {
        for (const failed of spoke) failed(error);
      });
    } catch (error) {
      for (const { failed } of pulses) failed(error);
      return undefined;
    }
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function later(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS).unref());
}
