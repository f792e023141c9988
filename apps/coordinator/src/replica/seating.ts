/**
 * Which of several coordinators decides. One has the seat: it holds the ledger, keeps the log, and answers. The others hand
 * calls on to it and look, four times a second, whether it still lives; where it does not, whoever comes first takes the
 * seat under a new epoch. Losing the seat is no harm that it could do: what it writes from then on is refused by the store.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../ports.ts";
import type { Seat, SeatView } from "../store/port.ts";

/** Between two looks: adds so much at most to the lease of one that died. */
const LOOK_MS = 250;
/** Who took the seat and could not load leaves it to others for this long. */
const PAUSE_MS = 2_000;

/** What it works with. */
export interface SeatingParts {
  readonly seat: Seat;
  /** Loads all there is and begins to decide. */
  readonly sit: () => Promise<void>;
  /** Stops deciding. Called also where `sit` failed. */
  readonly rise: () => Promise<void>;
  /** Told after each look. */
  readonly looked: () => void;
  readonly log: Log;
}

/** What a look comes to. */
export type Move = "TAKE" | "RISE" | "STAY";

/** What to do, being seated or not. Pure. */
export function moveOf(view: Pick<SeatView, "isOurs" | "isAlive">, isSeated: boolean): Move {
  if (isSeated) return view.isOurs ? "STAY" : "RISE";
  // Ours without being seated: a batch failed, or the load did.
  return view.isOurs || !view.isAlive ? "TAKE" : "STAY";
}

/** This coordinator's part in it. */
export class Seating {
  readonly #parts: SeatingParts;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #view: SeatView | undefined;
  #isSeated = false;
  #hasFailed = false;
  #isBlind = false;

  constructor(parts: SeatingParts) {
    this.#parts = parts;
  }

  /** Begins; resolves after the first look, and where the seat is free, when it is taken. */
  async start(): Promise<void> {
    await this.#look();
    this.#running = this.#repeat();
  }

  /** Whether this coordinator may answer: it has the seat, and nobody can have taken it yet. */
  get speaks(): boolean {
    return this.#isSeated && this.#parts.seat.isLeased();
  }

  get isSeated(): boolean {
    return this.#isSeated;
  }

  /** Whether it cannot be seen who decides, because the store does not answer. */
  get isBlind(): boolean {
    return this.#isBlind;
  }

  /** Who has the seat, other than this one; undefined where nobody is known to, or one that cannot be reached by others. */
  get other(): SeatView | undefined {
    const view = this.#view;
    return view === undefined || view.isOurs || !view.isAlive || view.address === "" ? undefined : view;
  }

  /** The store failed under it: it gets up, and sits down again where it still may. */
  failed(): void {
    this.#hasFailed = true;
  }

  /** Leaves the seat to others at once; looks no more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    if (!this.#isSeated) return;
    await this.#rise();
    await this.#parts.seat.release();
  }

  async #repeat(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await this.#look();
    }
  }

  async #look(): Promise<void> {
    const { seat, log } = this.#parts;
    try {
      if (this.#hasFailed && this.#isSeated) await this.#rise();
      this.#view = await seat.look();
      this.#isBlind = false;
      this.#parts.looked();
      const move = moveOf(this.#view, this.#isSeated);
      if (move === "RISE") {
        log.warn({ by: this.#view.name }, "another replica has taken the seat");
        await this.#rise();
      }
      if (move === "TAKE" && (await seat.take())) await this.#sit();
    } catch (error) {
      // Said once: as long as nobody can look, nobody can take anything either.
      if (!this.#isBlind) log.error({ err: error }, "it cannot be seen who decides");
      this.#isBlind = true;
    }
  }

  async #sit(): Promise<void> {
    const { seat, sit, rise, log } = this.#parts;
    this.#hasFailed = false;
    try {
      await sit();
      this.#isSeated = true;
      this.#view = await seat.look();
      log.info({}, "this replica has the seat");
    } catch (error) {
      log.error({ err: error }, "the seat was taken, and cannot be filled");
      this.#isSeated = false;
      await rise();
      await seat.release();
      await sleep(PAUSE_MS, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
  }

  async #rise(): Promise<void> {
    this.#isSeated = false;
    await this.#parts.rise();
  }
}
