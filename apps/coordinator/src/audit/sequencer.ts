/**
 * The one sequencer: gives each leaf of every pool's log its place in one tree, and signs what the tree has become. It
 * begins by taking over the epoch, and by holding the tree against everything that was ever signed for it, as far as
 * store, file and witnesses remember; where they know of more, or of something else, it signs nothing.
 */
import {
  EMPTY_ROOT,
  type SignedCheckpoint,
  type TreeEdge,
  type WrittenLeaf,
  checkpointBytes,
  leafHash,
  sameHash,
  signCheckpoint,
  writeCanonicalLeaf,
  writeLeaf,
} from "@moult/trust/audit";
import type { Clock } from "../ports.ts";
import { StoreError } from "../store/port.ts";
import type { LoggedLeaf, TreeStore } from "../store/tree.ts";
import { loadEdge, rootAt } from "./hashes.ts";
import { type LastCheckpoint, openOwn } from "./last-checkpoint.ts";
import type { LogKey } from "./log-key.ts";
import type { Witnesses } from "./witnesses.ts";

/** Leaves a transaction: some ten milliseconds of the process's time. */
const LEAVES_MAX = 512;

/** Transactions a round: what waits longer than a second or two is signed for in between. */
const TRANSACTIONS_MAX = 32;

/** A witness that did not cosign the newest checkpoint is asked again after this. */
const COSIGN_AGAIN_MS = 10_000;

/** What the sequencer works with. */
export interface SequencerParts {
  readonly tree: TreeStore;
  readonly network: string;
  readonly key: LogKey;
  readonly last: LastCheckpoint;
  readonly witnesses: Witnesses;
  readonly witnessCount: number;
  readonly clock: Clock;
}

/** A checkpoint: how many leaves it covers, and when it was made, in milliseconds since the epoch. */
export interface CheckpointMark {
  readonly size: number;
  readonly atMs: number;
}

/** The sequencer. Its rounds are driven from outside, one after another. */
export class Sequencer {
  readonly #parts: SequencerParts;
  #epoch = 0;
  #edge: TreeEdge | undefined;
  /** The last one that was signed, with the cosignatures that it has by now. */
  #signed: SignedCheckpoint | undefined;
  #published: SignedCheckpoint | undefined;
  #cosignedAtMs = 0;
  #signedMark: CheckpointMark | undefined;
  #witnessedMark: CheckpointMark | undefined;

  constructor(parts: SequencerParts) {
    this.#parts = parts;
  }

  /** The checkpoint to serve; undefined before the first. */
  get published(): SignedCheckpoint | undefined {
    return this.#published;
  }

  /** The last that was signed since the start, or was known then. */
  get signed(): CheckpointMark | undefined {
    return this.#signedMark;
  }

  /** The last that a witness cosigned since the start. */
  get witnessed(): CheckpointMark | undefined {
    return this.#witnessedMark;
  }

  /** Takes the tree over. Throws StoreError BEHIND where more was signed than is here. */
  async open(): Promise<void> {
    const { tree, key, last, witnesses } = this.#parts;
    const { epoch, size, checkpoint } = await tree.claim();
    this.#epoch = epoch;
    this.#signed = undefined;
    const stored = checkpoint === undefined ? undefined : openOwn(checkpoint, key.verifier, "the store");
    for (const known of [stored, last.read()]) {
      if (known === undefined) continue;
      await this.#hold(known, size);
      if (this.#signed === undefined || known.size > this.#signed.size) this.#signed = known;
    }
    this.#published = this.#signed;
    this.#markSigned();
    // A log that signed nothing yet may sign that it is empty: no larger tree can contradict that.
    await witnesses.compare(this.#signed ?? this.#sign(0, EMPTY_ROOT));
    this.#edge = await loadEdge(tree, size);
  }

  /**
   * Places what waits, signs, and collects cosignatures. Answers whether more waits than one round takes. Rejects with
   * StoreError; the next round begins anew.
   */
  async round(): Promise<boolean> {
    if (this.#edge === undefined) await this.open();
    try {
      const isMore = await this.#place();
      await this.#checkpoint();
      return isMore;
    } catch (error) {
      // What is in memory may be ahead of what is stored.
      this.#edge = undefined;
      throw error;
    }
  }

  /** A checkpoint that was signed must be of the tree that is here. */
  async #hold(known: SignedCheckpoint, size: number): Promise<void> {
    const advice = "put back the newest store, or give the log a new name (audit.origin) and tell its auditors";
    if (known.size > size) {
      const why = `it was signed at ${known.size} leaves, and the store has ${size}`;
      throw new StoreError("BEHIND", `the audit log is older than its last checkpoint: ${why}. ${advice}`);
    }
    if (!sameHash(await rootAt(this.#parts.tree, known.size), known.root)) {
      const why = `the first ${known.size} leaves are not those that were signed`;
      throw new StoreError("BEHIND", `the audit log was changed: ${why}. ${advice}`);
    }
  }

  async #place(): Promise<boolean> {
    const { tree } = this.#parts;
    for (let left = TRANSACTIONS_MAX; left > 0; left -= 1) {
      const waiting = await tree.unplaced(LEAVES_MAX);
      if (waiting.length === 0 || this.#edge === undefined) return false;
      const written = waiting.map((leaf) => this.#write(leaf));
      const edge = this.#edge.copy();
      const { size } = edge;
      const tiles = edge.grow(written.map(({ entry }) => leafHash(entry)));
      const leaves = waiting.map(({ poolId, seq }, n) => ({
        poolId,
        seq,
        entry: written[n]?.entry ?? new Uint8Array(),
      }));
      const bodies = written.flatMap(({ apart }) => apart ?? []);
      await tree.grow(this.#epoch, { size, leaves, tiles, bodies });
      this.#edge = edge;
      // Between transactions decisions have their turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return true;
  }

  #write({ poolId: pool, seq, atMs, kind, body, isCanonical }: LoggedLeaf): WrittenLeaf {
    const leaf = { network: this.#parts.network, pool, seq, atMs, kind };
    return isCanonical === true ? writeCanonicalLeaf(leaf, body) : writeLeaf(leaf, JSON.parse(body));
  }

  async #checkpoint(): Promise<void> {
    const { tree, last, witnesses, clock } = this.#parts;
    if (!witnesses.mayBeSigned) {
      await witnesses.compare(this.#signed ?? this.#sign(0, EMPTY_ROOT));
      if (!witnesses.mayBeSigned) return;
    }
    const { size } = this.#edge ?? { size: 0 };
    if (this.#edge !== undefined && (this.#signed === undefined || size > this.#signed.size)) {
      const checkpoint = this.#sign(size, this.#edge.root());
      // Nobody may see it before it is certain that nothing else will be signed in its place.
      // A sequencer that slept while another took over may not put what it knows in the place of what that one signed.
      const known = last.read();
      if (known !== undefined && known.size > size) {
        const why = `${known.size} leaves were signed already, and here are ${size}`;
        throw new StoreError("FENCED", `the audit log has another sequencer: ${why}`);
      }
      last.write(checkpoint);
      await tree.keepCheckpoint(this.#epoch, checkpointBytes(checkpoint));
      this.#signed = checkpoint;
      this.#markSigned();
    } else if (!this.#wantsCosignatures(clock.now())) {
      return;
    }
    await this.#cosign();
  }

  #wantsCosignatures(now: number): boolean {
    const cosigned = (this.#signed?.note.signatures.length ?? 1) - 1;
    return cosigned < this.#parts.witnessCount && now - this.#cosignedAtMs >= COSIGN_AGAIN_MS;
  }

  async #cosign(): Promise<void> {
    const { tree, witnesses, clock } = this.#parts;
    if (this.#signed === undefined) return;
    this.#cosignedAtMs = clock.now();
    const { note } = this.#signed;
    const own = note.signatures.slice(0, 1);
    const fresh = await witnesses.cosign({ ...this.#signed, note: { ...note, signatures: own } });
    if (fresh.length > 0) {
      this.#witnessedMark = { size: this.#signed.size, atMs: clock.now() };
      const kept = note.signatures.slice(1).filter((old) => !fresh.some(({ name }) => name === old.name));
      this.#signed = { ...this.#signed, note: { ...note, signatures: [...own, ...kept, ...fresh] } };
      await tree.keepCheckpoint(this.#epoch, checkpointBytes(this.#signed));
    }
    this.#published = this.#signed;
  }

  #markSigned(): void {
    if (this.#signed !== undefined) {
      this.#signedMark = { size: this.#signed.size, atMs: this.#parts.clock.now() };
    }
  }

  #sign(size: number, root: Uint8Array): SignedCheckpoint {
    const { verifier, privateKey } = this.#parts.key;
    return signCheckpoint({ origin: verifier.name, size, root, extensions: [] }, privateKey);
  }
}
