/**
 * The last leaves of each log, as they were written: the sequencer takes them from here rather than from the file, and need
 * not parse them to bring them into their one form. What is not here is read; nothing rests on what is.
 */
import { AuditError, canonicalJson } from "@moult/trust/audit";
import type { LoggedLeaf } from "../tree.ts";

/** What is kept at most, in characters: some seconds of the highest rate there is. */
const CHARS_MAX = 32 * 1024 * 1024;

/** What a leaf takes beside its body. */
const LEAF_CHARS = 200;

/** Leaves that are durable, each log's without a gap. */
export class LeafTail {
  readonly #runs = new Map<string, LoggedLeaf[]>();
  #chars = 0;

  /** Adds one that was written. Where it does not follow on what is here, that is of no use any more. */
  add(leaf: LoggedLeaf): void {
    const chars = charsOf(leaf);
    if (this.#chars + chars > CHARS_MAX) this.clear();
    if (chars > CHARS_MAX) return;
    let run = this.#runs.get(leaf.poolId);
    if (run !== undefined && run.at(-1)?.seq !== leaf.seq - 1) {
      this.forget(leaf.poolId, Number.MAX_SAFE_INTEGER);
      run = undefined;
    }
    if (run === undefined) this.#runs.set(leaf.poolId, (run = []));
    run.push(leaf);
    this.#chars += chars;
  }

  /** Those that follow on `seq`, at most `countMax`; undefined where the next is not here. */
  after(poolId: string, seq: number, countMax: number): readonly LoggedLeaf[] | undefined {
    const run = this.#runs.get(poolId);
    const from = run?.[0] === undefined ? -1 : seq + 1 - run[0].seq;
    return run === undefined || from < 0 || from >= run.length ? undefined : run.slice(from, from + countMax);
  }

  /** Lets go of all up to `seq`. */
  forget(poolId: string, seq: number): void {
    const run = this.#runs.get(poolId);
    if (run?.[0] === undefined) return;
    const gone = run.splice(0, Math.max(0, seq + 1 - run[0].seq));
    for (const leaf of gone) this.#chars -= charsOf(leaf);
    if (run.length === 0) this.#runs.delete(poolId);
  }

  /** Lets go of everything. */
  clear(): void {
    this.#runs.clear();
    this.#chars = 0;
  }
}

function charsOf({ body }: LoggedLeaf): number {
  return body.length + LEAF_CHARS;
}

/** A leaf's body as text: in its one form, unless it has none. */
export function bodyText(body: object): { readonly text: string; readonly isCanonical: boolean } {
  try {
    return { text: canonicalJson(body), isCanonical: true };
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    return { text: JSON.stringify(body), isCanonical: false };
  }
}
