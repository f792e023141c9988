/**
 * All witnesses of the log. After a start the log may sign nothing before enough of them have said that they saw nothing
 * larger: a folder that was brought back whole from a backup has forgotten what it signed, and only they remember.
 */
import { type NoteSignature, type SignedCheckpoint, consistencyPlan } from "@moult/trust/audit";
import type { Log } from "../ports.ts";
import { StoreError } from "../store/port.ts";
import type { TreeStore } from "../store/tree.ts";
import { hashRuns } from "./hashes.ts";
import { type Submission, type Witness, submit } from "./witness-client.ts";

/** A round with a witness that does not answer ends after this; checkpoints come every few seconds. */
const DEADLINE_MS = 2_000;

/** What the witnesses work with. */
export interface WitnessesParts {
  readonly witnesses: readonly Witness[];
  /** How many must have answered since the start before anything is signed. */
  readonly quorum: number;
  readonly tree: TreeStore;
  readonly log: Log;
}

/** The witnesses of one log. */
export class Witnesses {
  readonly #parts: WitnessesParts;
  /** By URL: the size that the witness cosigned last, as far as it said. */
  readonly #sizes = new Map<string, number>();
  /** Once a witness saw another history, nothing is signed until the next start. */
  #behind: StoreError | undefined;

  constructor(parts: WitnessesParts) {
    this.#parts = parts;
  }

  /** Whether enough of them have answered since the start. */
  get mayBeSigned(): boolean {
    return this.#sizes.size >= this.#parts.quorum;
  }

  /**
   * Shows the last checkpoint to those that have not answered yet. Throws StoreError BEHIND where one of them saw a larger
   * tree, or another one.
   */
  async compare(last: SignedCheckpoint): Promise<void> {
    if (this.#behind !== undefined) throw this.#behind;
    const silent = this.#parts.witnesses.filter(({ url }) => !this.#sizes.has(url));
    const answers = await Promise.all(
      silent.map(async (witness) => [witness, await submit(witness, last.size, [], last, DEADLINE_MS)] as const),
    );
    for (const [witness, answer] of answers) this.#note(witness, answer, last);
  }

  /** Collects the cosignatures that come in time. Throws StoreError BEHIND as `compare` does. */
  async cosign(checkpoint: SignedCheckpoint): Promise<readonly NoteSignature[]> {
    const collected = await Promise.all(this.#parts.witnesses.map((witness) => this.#ask(witness, checkpoint)));
    return collected.flat();
  }

  async #ask(witness: Witness, checkpoint: SignedCheckpoint): Promise<readonly NoteSignature[]> {
    // A second try where the witness says what it has instead of what was thought.
    for (let tries = 2; tries > 0; tries -= 1) {
      const oldSize = this.#sizes.get(witness.url) ?? 0;
      const plan = consistencyPlan(oldSize, checkpoint.size);
      const proof = await hashRuns(this.#parts.tree, plan, checkpoint.size);
      const answer = await submit(witness, oldSize, proof, checkpoint, DEADLINE_MS);
      this.#note(witness, answer, checkpoint);
      if (answer.kind === "COSIGNED") return answer.signatures;
      if (answer.kind !== "OTHER_SIZE") break;
    }
    return [];
  }

  #note(witness: Witness, answer: Submission, checkpoint: SignedCheckpoint): void {
    const { name } = witness.key;
    switch (answer.kind) {
      case "COSIGNED":
        this.#sizes.set(witness.url, checkpoint.size);
        break;
      case "OTHER_SIZE":
        if (answer.size > checkpoint.size) {
          throw this.#isBehind(
            `witness ${name} saw a log of ${answer.size} leaves; this one signed ${checkpoint.size}`,
          );
        }
        this.#sizes.set(witness.url, answer.size);
        break;
      case "OTHER_TREE":
        throw this.#isBehind(`witness ${name} saw another log than this one at or before ${checkpoint.size} leaves`);
      case "NO_ANSWER":
        this.#parts.log.warn({ witness: name, why: answer.why }, "a witness did not cosign");
        break;
    }
  }

  #isBehind(why: string): StoreError {
    const advice = "put back the newest store, or give the log a new name (audit.origin) and tell its auditors";
    const message = `the audit log is behind what was witnessed: ${why}. Nothing is signed: ${advice}`;
    this.#behind = new StoreError("BEHIND", message);
    return this.#behind;
  }
}
