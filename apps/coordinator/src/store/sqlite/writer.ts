/**
 * Who writes: everything of one transaction, as statements with their values, whole or not at all. A commit waits for the
 * disk, and whoever answers calls must not wait with it, so the writer of a coordinator is a thread of its own with a
 * connection of its own. What it is given meanwhile it writes afterwards, in the order in which it came.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { Worker } from "node:worker_threads";
import { StoreError } from "../port.ts";

/** A value of a statement. */
export type Value = string | number | Uint8Array | null;

/**
 * Statements in their order, and the values of all of them in one row: `ends[n]` is where those of statement `n` end. Flat,
 * because that crosses to another thread at half the cost of arrays in arrays.
 */
export interface Writes<S = string> {
  readonly statements: readonly S[];
  readonly values: readonly Value[];
  readonly ends: readonly number[];
}

/** Writes transactions. */
export interface Writer {
  /** Resolves when all of it is durable. Rejects where nothing of it was written, or with WriterLost. */
  readonly write: (writes: Writes) => Promise<void>;
  /** Runs what belongs to no transaction, as a checkpoint. Rejects with what the database says. */
  readonly exec: (sql: string) => Promise<void>;
  /** Nothing may be written after this. */
  readonly close: () => Promise<void>;
}

/** The thread ended in the middle of a transaction: nobody knows whether it was written. */
export class WriterLost extends Error {
  override readonly name = "WriterLost";
}

/** Takes one statement of a transaction. */
export type Run = (sql: string, ...values: Value[]) => void;

/**
 * Writes what `record` names, for the store at `path`; answers what it answers. Throws StoreError: its own, or UNWRITABLE,
 * or UNCERTAIN where nobody knows.
 */
export async function writing<T>(path: string, writer: Writer, record: (run: Run) => T | Promise<T>): Promise<T> {
  const statements: string[] = [];
  const values: Value[] = [];
  const ends: number[] = [];
  try {
    const done = await record((sql, ...its) => {
      statements.push(sql);
      values.push(...its);
      ends.push(values.length);
    });
    if (statements.length > 0) await writer.write({ statements, values, ends });
    return done;
  } catch (cause) {
    if (cause instanceof StoreError) throw cause;
    const code = cause instanceof WriterLost ? "UNCERTAIN" : "UNWRITABLE";
    throw new StoreError(code, `the store at ${path} cannot be written: ${(cause as Error).message}`, { cause });
  }
}

/**
 * What the thread is told: statements that it has not seen, then statements by their numbers. Values that are bytes stand
 * in `bytes`, one after another, and are null among the values: cloned each by itself they would bring along all the memory
 * that they are slices of.
 */
export interface Order {
  readonly fresh: readonly string[];
  readonly writes: Writes<number>;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Which values stand there, and where each ends. */
  readonly byteValues: readonly number[];
  readonly byteEnds: readonly number[];
}

/** The values of an order, with their bytes. */
export function valuesOf({ writes, bytes, byteValues, byteEnds }: Omit<Order, "fresh">): readonly Value[] {
  if (byteValues.length === 0) return writes.values;
  const values = [...writes.values];
  let at = 0;
  for (const [n, index] of byteValues.entries()) {
    const end = byteEnds[n] ?? at;
    values[index] = bytes.subarray(at, end);
    at = end;
  }
  return values;
}

/** Values with their bytes apart. */
export function apart({ statements, values, ends }: Writes<number>): Omit<Order, "fresh"> {
  const byteValues: number[] = [];
  const byteEnds: number[] = [];
  let length = 0;
  for (const [n, value] of values.entries()) {
    if (!(value instanceof Uint8Array)) continue;
    byteValues.push(n);
    byteEnds.push((length += value.length));
  }
  const bytes = new Uint8Array(length);
  if (byteValues.length === 0) return { writes: { statements, values, ends }, bytes, byteValues, byteEnds };
  const others = [...values];
  for (const [n, index] of byteValues.entries()) {
    bytes.set(values[index] as Uint8Array, byteEnds[n - 1] ?? 0);
    others[index] = null;
  }
  return { writes: { statements, values: others, ends }, bytes, byteValues, byteEnds };
}

/** Or: what belongs to no transaction. */
export interface Errand {
  readonly exec: string;
}

/** What it answers: nothing, or why nothing was written. */
export interface Answer {
  readonly failure?: string;
}

/** Runs one transaction on a connection. Throws what the database says; then nothing was written. */
export function runAll(
  db: DatabaseSync,
  prepared: (number: number) => StatementSync,
  { statements, values, ends }: Writes<number>,
): void {
  try {
    db.exec("BEGIN IMMEDIATE");
    let at = 0;
    for (const [n, number] of statements.entries()) {
      const end = ends[n] ?? at;
      prepared(number).run(...values.slice(at, end));
      at = end;
    }
    db.exec("COMMIT");
  } catch (error) {
    if (db.isOpen && db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/** A writer in a thread. The store at `path` must have been opened, and so brought forward and locked, before. */
export function threadWriter(path: string): Writer {
  let thread: Thread | undefined;
  let closed = false;
  return {
    async write(writes) {
      if (closed) throw new Error("it is closed");
      thread = thread?.lives === true ? thread : new Thread(path);
      await thread.write(writes);
    },
    async exec(sql) {
      if (closed) throw new Error("it is closed");
      thread = thread?.lives === true ? thread : new Thread(path);
      await thread.exec(sql);
    },
    async close() {
      closed = true;
      await thread?.close();
    },
  };
}

/** A writer on the reader's own connection: commits are waited for where calls are answered. For tests and small tools. */
export function directWriter(db: DatabaseSync): Writer {
  return {
    async write(writes) {
      const prepared = (n: number): StatementSync => db.prepare(writes.statements[n] ?? "");
      runAll(db, prepared, { ...writes, statements: [...writes.statements.keys()] });
    },
    exec: async (sql) => db.exec(sql),
    close: async () => undefined,
  };
}

class Thread {
  lives = true;
  readonly #worker: Worker;
  readonly #numbers = new Map<string, number>();
  /** Who waits, in the order of the orders: so they are answered. */
  readonly #waiting: { readonly done: () => void; readonly failed: (error: Error) => void }[] = [];

  constructor(path: string) {
    this.#worker = new Worker(new URL("./writer-thread.ts", import.meta.url), { workerData: { path } });
    // A store that was not closed must not keep its process.
    this.#worker.unref();
    this.#worker.on("message", ({ failure }: Answer) => {
      const waiting = this.#take();
      if (failure === undefined) return waiting?.done();
      waiting?.failed(new Error(failure));
    });
    const lost = (why: string, cause?: unknown): void => {
      this.lives = false;
      for (const { failed } of this.#waiting.splice(0)) failed(new WriterLost(`the writer ended: ${why}`, { cause }));
    };
    this.#worker.on("error", (error: Error) => lost(error.message, error));
    this.#worker.on("exit", (code) => lost(`with code ${code}`));
  }

  write(writes: Writes): Promise<void> {
    const fresh: string[] = [];
    const statements = writes.statements.map((sql) => {
      let number = this.#numbers.get(sql);
      if (number === undefined) {
        number = this.#numbers.size;
        this.#numbers.set(sql, number);
        fresh.push(sql);
      }
      return number;
    });
    try {
      return this.#send({ fresh, ...apart({ ...writes, statements }) });
    } catch (error) {
      // It was never told of them.
      for (const sql of fresh) this.#numbers.delete(sql);
      throw error;
    }
  }

  exec(sql: string): Promise<void> {
    return this.#send({ exec: sql });
  }

  #send(order: Order | Errand): Promise<void> {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(order, "bytes" in order ? [order.bytes.buffer] : []);
    this.#worker.ref();
    return new Promise((done, failed) => this.#waiting.push({ done, failed }));
  }

  async close(): Promise<void> {
    this.lives = false;
    await this.#worker.terminate();
  }

  #take() {
    const waiting = this.#waiting.shift();
    if (this.#waiting.length === 0) this.#worker.unref();
    return waiting;
  }
}
