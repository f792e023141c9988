/**
 * The one connection that batches are written over. A batch goes out as a whole, from BEGIN to COMMIT, before the first
 * answer is awaited: one way to the server and back for any number of statements. Where one fails, the server refuses the
 * rest and answers the COMMIT with a rollback.
 */
import { setImmediate as turn } from "node:timers/promises";
import type { ParameterOrJSON, ReservedSql, Sql } from "postgres";
import { StoreError } from "../port.ts";
import { type PostgresPlace, connect, sqlState } from "./connect.ts";
import type { Statement } from "./statements.ts";

/** Without an answer by then the connection is given up. A commit that waits for a standby has this long. */
const DEADLINE_MS = 10_000;

/** The process has a turn for others after so many rows. */
const ROWS_A_TURN = 1_000;

interface Line {
  readonly client: Sql;
  readonly reserved: ReservedSql;
  hasEnded: boolean;
  /** Called when the connection ends: of the batch that is on its way. A promise would keep what each batch attaches to it. */
  onEnded: (() => void) | undefined;
}

/** Writes batches, one at a time. */
export class Writer {
  readonly #place: PostgresPlace;
  #line: Line | undefined;
  #warning: string | undefined;

  constructor(place: PostgresPlace) {
    this.#place = place;
  }

  /**
   * Runs the statements in one transaction. Rejects with the server's error, after which nothing was written; or with
   * StoreError UNCERTAIN, where the connection ended before the answer came.
   */
  async transact(statements: Iterable<Statement>): Promise<void> {
    const line = await this.#connected();
    this.#warning = undefined;
    const sent: Promise<unknown>[] = [];
    const send = (text: string, values: Statement["values"] = []): Promise<{ readonly command: string }> => {
      const query = line.reserved.unsafe(text, [...values] as ParameterOrJSON<never>[], { prepare: values.length > 0 });
      const answer = query.execute();
      sent.push(answer.then(undefined, (error: unknown) => Promise.reject(error)));
      return answer;
    };
    void send("BEGIN").catch(() => undefined);
    let rows = 0;
    for (const { text, values } of statements) {
      void send(text, values).catch(() => undefined);
      const [column] = values;
      rows += Array.isArray(column) ? column.length : 1;
      if (rows < ROWS_A_TURN) continue;
      rows = 0;
      await turn();
    }
    const commit = send("COMMIT");
    const settled = await this.#answers(line, Promise.allSettled([...sent, commit]));
    const failed = settled.find((result) => result.status === "rejected");
    if (failed !== undefined) throw await this.#judge(line, failed.reason);
    const { command } = await commit;
    if (command !== "COMMIT") throw new Error(`the server answered the commit with ${command}`);
    // Cancelled while it waited for a standby: written here, and perhaps nowhere else.
    if (this.#warning !== undefined) throw this.#uncertain(this.#warning, undefined);
  }

  /** Ends the connection. */
  async close(): Promise<void> {
    const line = this.#line;
    this.#line = undefined;
    // Whoever is reserved is waited for.
    line?.reserved.release();
    await line?.client.end({ timeout: 1 });
  }

  async #connected(): Promise<Line> {
    if (this.#line === undefined) {
      const client = connect(this.#place, 1, {
        warned: (message) => (this.#warning = message),
        // One that ended while nothing was on its way is replaced, and nobody needs to know.
        closed: () => {
          const line = this.#line;
          if (line?.client !== client) return;
          this.#line = undefined;
          line.hasEnded = true;
          line.onEnded?.();
        },
      });
      try {
        this.#line = { client, reserved: await client.reserve(), hasEnded: false, onEnded: undefined };
      } catch (error) {
        await client.end({ timeout: 0 });
        throw error;
      }
    }
    return this.#line;
  }

  async #answers<T>(line: Line, answers: Promise<T>): Promise<T> {
    const { promise: broken, resolve: breaks } = Promise.withResolvers<"late" | "cut">();
    // One of each a batch: an aborted sleep would make an error with its stack every time.
    const deadline = setTimeout(() => breaks("late"), DEADLINE_MS).unref();
    // The driver answers what it had sent when the connection ended, and leaves without one what it had yet to send.
    line.onEnded = () => void setImmediate(() => breaks("cut"));
    if (line.hasEnded) line.onEnded();
    const first = await Promise.race([answers, broken]);
    clearTimeout(deadline);
    line.onEnded = undefined;
    if (first !== "late" && first !== "cut") return first;
    await this.#drop(line);
    throw this.#uncertain(first === "cut" ? "the connection ended" : `no answer within ${DEADLINE_MS} ms`, undefined);
  }

  /** A server that says what is wrong has rolled back; one that is going away, or a connection that ended, says nothing sure. */
  async #judge(line: Line, reason: unknown): Promise<unknown> {
    const state = sqlState(reason);
    if (state !== undefined && !/^(57P|08)/.test(state)) return reason;
    await this.#drop(line);
    return this.#uncertain((reason as Error).message, reason);
  }

  async #drop({ client }: Line): Promise<void> {
    this.#line = undefined;
    await client.end({ timeout: 0 });
  }

  #uncertain(why: string, cause: unknown): StoreError {
    const message = `the store at ${this.#place.name} broke off while a batch was on its way: ${why}`;
    return new StoreError("UNCERTAIN", message, { cause });
  }
}
