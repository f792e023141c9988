/**
 * Takes in a delta as it comes and writes what it makes, chunk by chunk: nothing of the delta is kept but the chunk that
 * is coming, and that always in the same memory. Where the part has a beginning already, whoever brought it, the delta is
 * gone on with at the chunk in which that ends.
 */
import {
  CHUNK_BYTES,
  DeltaError,
  type DeltaExpected,
  type DeltaHead,
  HEAD_BYTES_MAX,
  checkExpected,
  headLengthOf,
  readHead,
  unpackChunk,
} from "@moult/delta";
import type { Sink } from "./source.ts";

/** Where the bytes go that a delta makes. */
export interface PartSink {
  readonly receivedBytes: number;
  readonly write: (bytes: Uint8Array) => Promise<void>;
}

/** Fills `into` from the old part; returns how many bytes it had there. */
export type ReadOld = (offsetBytes: number, into: Uint8Array) => Promise<number>;

/** What a part that is short needs at the beginning of its delta, in bytes. */
const HELD_BYTES_MIN = 65_536;

/** A sink for one delta from one source. Its writes throw DeltaError, and whatever `part` and `readOld` throw. */
export class DeltaSink implements Sink {
  readonly #expected: DeltaExpected;
  readonly #part: PartSink;
  readonly #readOld: ReadOld;
  #head: DeltaHead | undefined;
  #chunk = 0;
  /** The head or the chunk that is coming, as far as `#heldBytes`. Used again for each, and so is `#old`. */
  #held: Uint8Array = new Uint8Array(Math.max(HEAD_BYTES_MAX, HELD_BYTES_MIN));
  #heldBytes = 0;
  #old: Uint8Array = new Uint8Array();
  #receivedBytes = 0;

  /** `readOld` is not called for a delta from nothing. */
  constructor(expected: DeltaExpected, part: PartSink, readOld: ReadOld) {
    this.#expected = expected;
    this.#part = part;
    this.#readOld = readOld;
  }

  /** Where in the delta the next byte is wanted from. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Length of the delta; undefined before its head came. */
  get lengthBytes(): number | undefined {
    return this.#head?.deltaBytes;
  }

  async write(bytes: Uint8Array): Promise<void> {
    let at = this.#receivedBytes;
    let rest = bytes;
    while (rest.length > 0) {
      const wantedBytes = this.#wantedBytes();
      if (wantedBytes === 0) throw new DeltaError("MALFORMED", "there are more bytes than the head says");
      const piece = rest.subarray(0, wantedBytes - this.#heldBytes);
      rest = rest.subarray(piece.length);
      at += piece.length;
      this.#held.set(piece, this.#heldBytes);
      this.#heldBytes += piece.length;
      this.#receivedBytes = at;
      if (this.#heldBytes === this.#wantedBytes()) await this.#take();
      const skipped = Math.min(this.#receivedBytes - at, rest.length);
      rest = rest.subarray(skipped);
      at += skipped;
    }
  }

  /** How many bytes the head or the chunk has, as far as is known; 0 behind the end. */
  #wantedBytes(): number {
    if (this.#head !== undefined) return this.#head.chunks[this.#chunk]?.packedLength ?? 0;
    return headLengthOf(this.#held.subarray(0, this.#heldBytes));
  }

  async #take(): Promise<void> {
    const held = this.#held.subarray(0, this.#heldBytes);
    this.#heldBytes = 0;
    if (this.#head === undefined) this.#begin(readHead(held));
    else await this.#unpack(this.#head, held);
  }

  #begin(head: DeltaHead): void {
    checkExpected(head, this.#expected);
    this.#head = head;
    const place = head.chunks.findIndex((chunk) => chunk.newOffset + chunk.newLength > this.#part.receivedBytes);
    this.#chunk = place === -1 ? head.chunks.length : place;
    this.#receivedBytes = head.chunks[this.#chunk]?.packedOffset ?? head.deltaBytes;
    // As much as the largest chunks take, which the head has kept within bounds.
    const lengthOf = (key: "packedLength" | "oldLength"): number => Math.max(...head.chunks.map((chunk) => chunk[key]));
    this.#held = new Uint8Array(Math.min(lengthOf("packedLength"), 2 * CHUNK_BYTES));
    this.#old = new Uint8Array(lengthOf("oldLength"));
  }

  async #unpack(head: DeltaHead, packed: Uint8Array): Promise<void> {
    const chunk = head.chunks[this.#chunk];
    if (chunk === undefined) return;
    const { oldOffset, oldLength, newOffset } = chunk;
    const range = this.#old.subarray(0, oldLength);
    const foundBytes = oldLength === 0 ? 0 : await this.#readOld(oldOffset, range);
    const made = unpackChunk(chunk, packed, range.subarray(0, foundBytes));
    await this.#part.write(made.subarray(this.#part.receivedBytes - newOffset));
    release(made);
    this.#chunk += 1;
  }
}

/** Gives the memory back now: the collector would let 64 MB of it gather first. Nobody else may hold it. */
function release({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
