/**
 * Which of several coordinators decides. One has the seat: it holds the ledger, keeps the log, and answers. The others hand
 * calls on to it and look, four times a second, whether it still lives; where it does not, whoever comes first takes the
 * seat under a new epoch. Losing the seat is no harm that it could do: what it writes from then on is refused by the store.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../ports.ts";
import type { Seat, SeatView } from "../store/port.ts";
import { Unanswered, within } from "./within.ts";

/** Between two looks: adds so much at most to the lease of one that died. */
const LOOK_MS = 250;
/** Who took the seat and could not load leaves it to others for this long. */
const PAUSE_MS = 2_000;

/** Questions that the store has not answered; no more are asked. A connection that is dead holds one until it breaks. */
const UNANSWERED_MAX = 4;

/** What it works with. */
export interface SeatingParts {
  readonly seat: Seat;
  /** Loads all there is and begins to decide. */
  readonly sit: () => Promise<void>;
  /** Stops deciding, and lets go whoever is there. Called also where `sit` failed. */
  readonly rise: () => Promise<void>;
  /** Told after each look. */
  readonly looked: () => void;
  readonly log: Log;
  /** How long the store may take to answer; 3,000 ms by default. */
  readonly answerMs?: number | undefined;
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
  #unanswered = 0;

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

  /**
   * Leaves the seat to others at once; looks no more. Resolves within a few times what the store may take to answer, whether it
   * does or not: a lease ends by itself.
   */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#told("the last look has not ended", () => this.#running);
    if (this.#isSeated) await this.#giveBack();
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
      this.#view = await this.#asked(() => seat.look());
      this.#isBlind = false;
      this.#parts.looked();
      const move = moveOf(this.#view, this.#isSeated);
      if (move === "RISE") {
        log.warn({ by: this.#view.name }, "another replica has taken the seat");
        await this.#rise();
      }
      // Whoever stops must not sit down when nobody looks after it any more.
      if (this.#stopping.signal.aborted) return;
      if (move === "TAKE" && (await this.#asked(() => seat.take()))) await this.#sit();
    } catch (error) {
      // Said once: as long as nobody can look, nobody can take anything either.
      if (!this.#isBlind) log.error({ err: error }, "it cannot be seen who decides");
      this.#isBlind = true;
    }
  }

  async #sit(): Promise<void> {
    const { seat, sit, log } = this.#parts;
    this.#hasFailed = false;
    try {
      await sit();
      // Too late: nobody looks any more whether it still has the seat.
      if (this.#stopping.signal.aborted) return await this.#giveBack();
      this.#isSeated = true;
      this.#view = await this.#asked(() => seat.look());
      log.info({}, "this replica has the seat");
    } catch (error) {
      log.error({ err: error }, "the seat was taken, and cannot be filled");
      await this.#giveBack();
      await sleep(PAUSE_MS, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
  }

  async #rise(): Promise<void> {
    this.#isSeated = false;
    await this.#told("not all that ends with the seat has ended", () => this.#parts.rise());
  }

  async #giveBack(): Promise<void> {
    await this.#rise();
    await this.#told("the seat is not given back; others wait for its lease", () => this.#parts.seat.release());
  }

  /** Asks the store. Rejects with its error, or Unanswered where it takes too long; what it says then is not heard. */
  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    if (this.#unanswered >= UNANSWERED_MAX) throw new Unanswered(`${UNANSWERED_MAX} questions are not answered`);
    this.#unanswered += 1;
    return within(
      ask().finally(() => (this.#unanswered -= 1)),
      this.#parts.answerMs,
    );
  }

  /** Does what may fail or take too long without harm to what comes next; says so then. */
  async #told(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await within(work(), this.#parts.answerMs);
    } catch (error) {
      this.#parts.log.error({ err: error }, what);
    }
  }
}
