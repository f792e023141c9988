/**
 * Takes in a delta as it comes and writes what it makes, chunk by chunk: nothing of the delta is kept but the chunk that
 * is coming. Where the part has a beginning already, whoever brought it, the delta is gone on with at the chunk in which
 * that ends.
 */
import {
  DeltaError,
  type DeltaExpected,
  type DeltaHead,
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

/** A sink for one delta from one source. Its writes throw DeltaError, and whatever `part` throws. */
export class DeltaSink implements Sink {
  readonly #expected: DeltaExpected;
  readonly #part: PartSink;
  readonly #readOld: (offsetBytes: number, lengthBytes: number) => Promise<Uint8Array>;
  #head: DeltaHead | undefined;
  #chunk = 0;
  /** Of the head or of the chunk that is coming. */
  #pieces: Uint8Array[] = [];
  #heldBytes = 0;
  #receivedBytes = 0;

  /** `readOld` gives a range of the old part; it is not called for a delta from nothing. */
  constructor(
    expected: DeltaExpected,
    part: PartSink,
    readOld: (offsetBytes: number, lengthBytes: number) => Promise<Uint8Array>,
  ) {
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
      // A piece of a socket's buffer would keep all of it in memory.
      this.#pieces.push(new Uint8Array(piece));
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
    return headLengthOf(this.#held());
  }

  #held(): Uint8Array {
    if (this.#pieces.length > 1) this.#pieces = [new Uint8Array(Buffer.concat(this.#pieces))];
    return this.#pieces[0] ?? new Uint8Array();
  }

  async #take(): Promise<void> {
    const held = this.#held();
    this.#pieces = [];
    this.#heldBytes = 0;
    if (this.#head === undefined) {
      const head = readHead(held);
      checkExpected(head, this.#expected);
      this.#head = head;
      const place = head.chunks.findIndex((chunk) => chunk.newOffset + chunk.newLength > this.#part.receivedBytes);
      this.#chunk = place === -1 ? head.chunks.length : place;
      this.#receivedBytes = head.chunks[this.#chunk]?.packedOffset ?? head.deltaBytes;
      return;
    }
    const chunk = this.#head.chunks[this.#chunk];
    if (chunk === undefined) return;
    const { oldOffset, oldLength, newOffset } = chunk;
    const oldRange = oldLength === 0 ? new Uint8Array() : await this.#readOld(oldOffset, oldLength);
    const made = await unpackChunk(chunk, held, oldRange);
    await this.#part.write(made.subarray(this.#part.receivedBytes - newOffset));
    this.#chunk += 1;
  }
}
