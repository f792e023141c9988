/**
 * Runs the update machine: one event at a time, the effects of each in their order, and a timer for what time alone
 * brings about.
 */
import type { Chance, Clock, Log } from "../ports.ts";
import type { At, Tunables } from "../update/at.ts";
import type { Effect, Event, Step } from "../update/events.ts";
import type { Machine } from "../update/state.ts";
import { deadlineOf, step } from "../update/step.ts";

/** What comes of carrying an effect out. */
export interface Carried {
  /** Happens next, and the effects that were to follow are dropped. */
  readonly failure?: Event;
  /** Happens after this step's effects. */
  readonly event?: Event;
}

/** What the loop needs. */
export interface LoopParts {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly tunables: Tunables;
  readonly carryOut: (effect: Effect, machine: Machine) => Promise<Carried>;
  /** Called after each step, before its effects. */
  readonly onStep: (machine: Machine) => void;
  /** Called when every event and every effect has been dealt with. */
  readonly onRest?: (machine: Machine) => void;
  /** A defect: the machine cannot be relied on any more. */
  readonly onDefect: (error: unknown) => void;
}

/** The loop. */
export class Loop {
  readonly #parts: LoopParts;
  readonly #events: Event[] = [];
  #machine: Machine;
  #timer = new AbortController();
  #busy = false;
  #closed = false;

  constructor(parts: LoopParts, machine: Machine) {
    this.#parts = parts;
    this.#machine = machine;
  }

  get machine(): Machine {
    return this.#machine;
  }

  /** Carries out what the first machine wants done, then waits for events. */
  start(effects: readonly Effect[]): void {
    this.#work({ machine: this.#machine, effects });
  }

  dispatch(event: Event): void {
    this.#events.push(event);
    if (!this.#busy) this.#work(undefined);
  }

  close(): void {
    this.#closed = true;
    this.#timer.abort();
  }

  #work(first: Step<Machine> | undefined): void {
    this.#busy = true;
    this.#workOff(first).catch(this.#parts.onDefect);
  }

  async #workOff(first: Step<Machine> | undefined): Promise<void> {
    if (first !== undefined) await this.#take(first);
    for (let event = this.#events.shift(); event !== undefined && !this.#closed; event = this.#events.shift()) {
      const before = this.#machine.phase.name;
      const stepped = step(this.#machine, event, this.at());
      const after = stepped.machine.phase.name;
      if (before !== after)
        this.#parts.log.info({ from: before, to: after, event: event.kind }, `${before} → ${after}`);
      await this.#take(stepped);
    }
    this.#busy = false;
    if (!this.#closed) this.#parts.onRest?.(this.#machine);
    this.#arm();
  }

  async #take({ machine, effects }: Step<Machine>): Promise<void> {
    this.#machine = machine;
    this.#parts.onStep(machine);
    for (const effect of effects) {
      if (this.#closed) return;
      const { failure, event } = await this.#parts.carryOut(effect, machine);
      if (event !== undefined) this.#events.push(event);
      if (failure !== undefined) {
        this.#events.unshift(failure);
        return;
      }
    }
  }

  /** The circumstances of this moment. */
  at(): At {
    const { clock, chance, tunables } = this.#parts;
    return { nowMs: clock.nowMs(), roll: chance.roll(), freshId: chance.freshId(), tunables };
  }

  #arm(): void {
    this.#timer.abort();
    const deadlineMs = deadlineOf(this.#machine);
    if (deadlineMs === undefined || this.#closed) return;
    const { clock, onDefect } = this.#parts;
    const timer = new AbortController();
    this.#timer = timer;
    const tick = async (): Promise<void> => {
      // A whole millisecond more, so that the deadline has passed when the wait is over.
      await clock.wait(Math.ceil(Math.max(deadlineMs - clock.nowMs(), 0)) + 1, timer.signal);
      if (!timer.signal.aborted) this.dispatch({ kind: "TICK" });
    };
    tick().catch(onDefect);
  }
}
