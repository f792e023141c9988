/**
 * The one writer. Every move of the ledger goes through `decide`: it is applied in memory at once, written together with
 * whatever else was decided meanwhile, and answered only after that batch is durable. Where the store fails, everybody
 * who waits is told so, and the ledger is thrown away and loaded again, because memory may not run ahead of the disk.
 */
import type { Effect, Ledger, Step } from "@moult/policy";
import type { Clock, Log } from "../ports.ts";
import { type Store, type StoreChange, StoreError, type Word } from "../store/port.ts";
import { type Decided, written } from "./written.ts";

/** The store cannot be written now. Nothing of the move was kept, unless its message says that this is not known. */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
}

/** A move: takes the ledger as it is, applies itself, says what it changed. */
export type Move<A> = (
  ledger: Ledger,
  now: number,
) => Omit<Step<A>, "changes"> & { readonly changes: readonly Decided[] };

interface Waiting {
  /** When it was decided. */
  readonly atMs: number;
  readonly changes: readonly StoreChange[];
  readonly effects: readonly Effect[];
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** What the owner works with. */
export interface OwnerParts {
  readonly store: Store;
  readonly clock: Clock;
  /** By which it is measured how long moves wait; `clock` by default. */
  readonly uptime?: Clock;
  readonly log: Log;
  /** Builds the ledger from what is stored. */
  readonly load: () => Promise<Ledger>;
  /** Carries out effects, after they are durable and before the caller is answered; says whether anybody was told. */
  readonly carryOut: (effects: readonly Effect[], ledger: Ledger) => boolean;
  /** Of several coordinators: whether this one may speak for the ledger now. */
  readonly speaks?: (() => boolean) | undefined;
  /** Told where the store failed. The ledger is then not loaded again before the next `start`. */
  readonly onFailed?: (() => void) | undefined;
  /** How long to wait before the store is tried again after a failure, in milliseconds. */
  readonly reloadAfterMs: number;
}

/** At most this many moves a batch, so that one commit never blocks the process for long (design: 500 asks). */
const BATCH_MAX = 500;

/** Nor more than so many changes, or those of one move: the pulses of a fleet that comes back change hundreds of rows a move. */
const BATCH_CHANGES_MAX = 2_000;

/** The writer. */
export class Owner {
  readonly #parts: OwnerParts;
  #ledger: Ledger | undefined;
  #waiting: Waiting[] = [];
  /** The batch that is on its way to the disk. */
  #writing: readonly Waiting[] = [];
  #flushing: Promise<void> | undefined;
  #closed = false;

  constructor(parts: OwnerParts) {
    this.#parts = parts;
  }

  /** Loads the ledger; to be called before anything else, and again after `leave`. */
  async start(): Promise<void> {
    this.#ledger = await this.#parts.load();
  }

  /** Throws the ledger away: another decides now. Whoever waits is refused, unless its batch is on its way. */
  leave(): void {
    this.#ledger = undefined;
    for (const { failed } of this.#waiting.splice(0)) {
      failed(new StoreUnavailable("another replica decides now; nothing was changed"));
    }
  }

  /** Moves that wait for their batch. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Whether there is a ledger, and this coordinator may speak for it. */
  get isReady(): boolean {
    return this.#ledger !== undefined && this.#parts.speaks?.() !== false;
  }

  /** What waits to be durable: how many moves, and since when the oldest of them. */
  get queue(): { readonly moves: number; readonly sinceMs: number | undefined } {
    const oldest = this.#writing[0] ?? this.#waiting[0];
    return { moves: this.#writing.length + this.#waiting.length, sinceMs: oldest?.atMs };
  }

  /** The ledger, for reading. Throws StoreUnavailable while there is none. */
  get ledger(): Ledger {
    if (this.#ledger === undefined || this.#parts.speaks?.() === false)
      throw new StoreUnavailable("the store cannot be used at the moment");
    return this.#ledger;
  }

  /**
   * Applies a move and answers when it is durable. Rejects with StoreUnavailable where the store fails. `word` says on whose
   * word, for the audit log; none for what devices and time bring about.
   */
  async decide<A>(move: Move<A>, word?: Word): Promise<A> {
    const { ledger } = this;
    const atMs = this.#parts.clock.now();
    const step = move(ledger, atMs);
    const decided = written(ledger, step.changes);
    const changes = word === undefined ? decided : decided.map((change) => ({ ...change, word }));
    // An answer may rest on a change that waits to be written, so it waits with it even where it changes nothing.
    if (changes.length === 0 && this.#waiting.length === 0 && this.#flushing === undefined) {
      this.#parts.carryOut(step.effects, ledger);
      return step.answer;
    }
    await this.#written(atMs, changes, step.effects);
    return step.answer;
  }

  /**
   * Applies a move that answers nobody. One that changed nothing and tells nobody is done when this returns, whatever waits to be
   * written; else it resolves when it is durable. Rejects with StoreUnavailable where the store fails.
   */
  apply(move: Move<void>): Promise<void> | undefined {
    const { ledger } = this;
    const atMs = this.#parts.clock.now();
    const { changes, effects } = move(ledger, atMs);
    if (changes.length === 0 && effects.length === 0) return undefined;
    return this.#written(atMs, written(ledger, changes), effects);
  }

  #written(atMs: number, changes: readonly StoreChange[], effects: readonly Effect[]): Promise<void> {
    return new Promise<void>((done, failed) => {
      this.#waiting.push({ atMs: this.#parts.uptime?.now() ?? atMs, changes, effects, done, failed });
      this.#flushing ??= this.#flush();
    });
  }

  /** Resolves when all that was decided so far is written or refused. */
  async settled(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing;
  }

  /** No more attempts to load the ledger after this. What was decided is written still. */
  close(): void {
    this.#closed = true;
  }

  async #flush(): Promise<void> {
    // Let everything that has arrived by now join the batch.
    await turn();
    /** Those before the batch that is on its way: they are answered while it is. */
    let answered = Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#batchMoves());
      this.#writing = batch;
      try {
        const changes = batch.flatMap((waiting) => waiting.changes);
        if (changes.length > 0) await this.#parts.store.commit({ changes, atMs: this.#parts.clock.now() });
      } catch (error) {
        // What is durable is answered while there is a ledger to answer from, and before anybody is refused.
        await answered;
        await turn();
        this.#fail([...batch, ...this.#waiting.splice(0)], error);
        break;
      }
      answered = this.#answer(batch, answered);
      if (this.#waiting.length === 0) await answered;
    }
    this.#writing = [];
    this.#flushing = undefined;
  }

  /** How many of those that wait are written together: at least one. */
  #batchMoves(): number {
    let changes = 0;
    for (const [moves, waiting] of this.#waiting.entries()) {
      if (moves === BATCH_MAX || (moves > 0 && changes + waiting.changes.length > BATCH_CHANGES_MAX)) return moves;
      changes += waiting.changes.length;
    }
    return this.#waiting.length;
  }

  /** Those before are answered first. */
  async #answer(batch: readonly Waiting[], before: Promise<void>): Promise<void> {
    const ledger = this.#ledger;
    let isTold = false;
    // Who has left meanwhile has nobody to tell.
    if (ledger !== undefined) {
      for (const { effects } of batch) {
        if (effects.length > 0) isTold = this.#parts.carryOut(effects, ledger) || isTold;
      }
    }
    // A turn of the event loop, in which the effects go out: routers are told before the node that leaves is.
    const out = isTold ? turn() : undefined;
    await before;
    await out;
    for (const waiting of batch) waiting.done();
  }

  #fail(batch: readonly Waiting[], cause: unknown): void {
    this.#parts.log.error({ err: cause, moves: batch.length }, "a batch was not written; the ledger is loaded again");
    this.#ledger = undefined;
    const isUncertain = cause instanceof StoreError && cause.code === "UNCERTAIN";
    const outcome = isUncertain ? "whether it was written shows when it is back" : "nothing was changed";
    for (const waiting of batch) {
      waiting.failed(new StoreUnavailable(`the store cannot be written; ${outcome}`, { cause }));
    }
    if (this.#parts.onFailed === undefined) this.#reload();
    else this.#parts.onFailed();
  }

  #reload(): void {
    const attempt = async (): Promise<void> => {
      if (this.#closed) return;
      try {
        this.#ledger = await this.#parts.load();
        this.#parts.log.info({ nodes: this.#ledger.nodes.size }, "the ledger was loaded again");
      } catch (error) {
        this.#parts.log.error({ err: error }, "the store still cannot be used");
        this.#reload();
      }
    };
    setTimeout(() => void attempt(), this.#parts.reloadAfterMs).unref();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
