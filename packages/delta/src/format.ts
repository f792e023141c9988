/**
 * The form of a delta. A head, then the packed bytes of each chunk, one after another:
 *
 *     bytes  what (numbers little-endian)
 *     8      `moultdl1`
 *     32     SHA-256 of the part it starts from; all zero for none
 *     32     SHA-256 of the part it makes
 *     8      length of the former, 0 to 4 GiB; 0 for none
 *     8      length of the latter, 1 byte to 4 GiB
 *     16 × n for each chunk: 8 offset and 4 length of the old bytes it refers to, 4 length of its packed bytes
 *
 * Each chunk makes CHUNK_BYTES of the new part, the last one what is left; so how many there are follows from the
 * length, and no chunk can claim a place or a length of its own. A chunk is one zstd frame whose dictionary is its range
 * of the old part, so that it is unpacked with no more than that range, its packed bytes and its result in memory. A
 * delta from nothing is a part that is merely packed.
 *
 * Pure. Everything is checked before anything is allocated or unpacked by it.
 */
import { DeltaError } from "./errors.ts";

/** What one chunk makes, in bytes. With OLD_BYTES_MAX it bounds the memory of unpacking; see `unpack.ts`. */
export const CHUNK_BYTES = 2_097_152;

/** At most so many old bytes serve one chunk: it may have moved by 2 MiB to either side and is still found. */
export const OLD_BYTES_MAX = 6_291_456;

/** 4 GiB, as in a manifest. */
const PART_BYTES_MAX = 4_294_967_296;

/** A part shorter than this, in bytes, is not worth a delta. */
export const PART_BYTES_MIN = 1_024;

const MAGIC = Buffer.from("moultdl1", "latin1");
const PREAMBLE_BYTES = 88;
const ENTRY_BYTES = 16;
const DIGEST_BYTES = 32;

/** The longest head there is, in bytes: that of a part of 4 GiB. */
export const HEAD_BYTES_MAX: number = PREAMBLE_BYTES + (PART_BYTES_MAX / CHUNK_BYTES) * ENTRY_BYTES;

/** One chunk, by offsets and lengths in bytes. */
export interface DeltaChunk {
  readonly newOffset: number;
  readonly newLength: number;
  readonly oldOffset: number;
  /** 0 where it refers to nothing old. */
  readonly oldLength: number;
  /** In the delta. */
  readonly packedOffset: number;
  readonly packedLength: number;
}

/** What a delta says of itself. */
export interface DeltaHead {
  /** Undefined for a delta from nothing. */
  readonly oldDigest: string | undefined;
  readonly oldBytes: number;
  readonly newDigest: string;
  readonly newBytes: number;
  readonly chunks: readonly DeltaChunk[];
  /** Length of the whole delta; always less than `newBytes`. */
  readonly deltaBytes: number;
}

/** What a delta has to be, as it is known from elsewhere. */
export interface DeltaExpected {
  readonly old: { readonly digest: string; readonly lengthBytes: number } | undefined;
  readonly digest: string;
  readonly lengthBytes: number;
}

/** How many bytes the head has that begins with `bytes`, or how many are needed to say so. Throws DeltaError. */
export function headLengthOf(bytes: Uint8Array): number {
  const view = viewOf(bytes);
  if (!view.subarray(0, MAGIC.length).equals(MAGIC.subarray(0, Math.min(view.length, MAGIC.length)))) {
    throw new DeltaError("MALFORMED", "the bytes are no delta");
  }
  if (view.length < PREAMBLE_BYTES) return PREAMBLE_BYTES;
  return PREAMBLE_BYTES + countOf(readLength(view, 80, 1)) * ENTRY_BYTES;
}

/** The head, from at least as many bytes as `headLengthOf` says. Throws DeltaError. */
export function readHead(bytes: Uint8Array): DeltaHead {
  const headBytes = headLengthOf(bytes);
  if (bytes.length < headBytes) throw new DeltaError("MALFORMED", "the head is cut short");
  const view = viewOf(bytes);
  const oldHex = view.toString("hex", 8, 8 + DIGEST_BYTES);
  const oldDigest = /^0+$/.test(oldHex) ? undefined : oldHex;
  const oldBytes = readLength(view, 72, 0);
  const newBytes = readLength(view, 80, 1);
  if (oldDigest === undefined && oldBytes > 0) throw new DeltaError("MALFORMED", "nothing has no length");
  const chunks: DeltaChunk[] = [];
  let packedOffset = headBytes;
  for (let index = 0; index < countOf(newBytes); index += 1) {
    const chunk = readChunk(view, index, { oldBytes, newBytes, packedOffset });
    packedOffset += chunk.packedLength;
    chunks.push(chunk);
  }
  if (packedOffset >= newBytes) {
    throw new DeltaError("TOO_LONG", `a delta of ${packedOffset} bytes for a part of ${newBytes}`);
  }
  const newDigest = view.toString("hex", 8 + DIGEST_BYTES, 8 + 2 * DIGEST_BYTES);
  return { oldDigest, oldBytes, newDigest, newBytes, chunks, deltaBytes: packedOffset };
}

/** Throws DeltaError OTHER_PART where the delta is not the expected one. */
export function checkExpected(head: DeltaHead, { old, digest, lengthBytes }: DeltaExpected): void {
  const isRight =
    head.newDigest === digest &&
    head.newBytes === lengthBytes &&
    head.oldDigest === old?.digest &&
    head.oldBytes === (old?.lengthBytes ?? 0);
  if (!isRight) throw new DeltaError("OTHER_PART", "the delta is for another part or from another one");
}

/** What is needed to write a head. */
export interface HeadInput extends DeltaExpected {
  readonly chunks: readonly Pick<DeltaChunk, "oldOffset" | "oldLength" | "packedLength">[];
}

/** The head's bytes. The caller sees to it that there are as many chunks as the length wants. */
export function encodeHead({ old, digest, lengthBytes, chunks }: HeadInput): Uint8Array {
  const head = Buffer.alloc(PREAMBLE_BYTES + chunks.length * ENTRY_BYTES);
  MAGIC.copy(head);
  if (old !== undefined) head.write(old.digest, 8, "hex");
  head.write(digest, 8 + DIGEST_BYTES, "hex");
  head.writeBigUInt64LE(BigInt(old?.lengthBytes ?? 0), 72);
  head.writeBigUInt64LE(BigInt(lengthBytes), 80);
  for (const [index, chunk] of chunks.entries()) {
    const at = PREAMBLE_BYTES + index * ENTRY_BYTES;
    head.writeBigUInt64LE(BigInt(chunk.oldOffset), at);
    head.writeUInt32LE(chunk.oldLength, at + 8);
    head.writeUInt32LE(chunk.packedLength, at + 12);
  }
  return head;
}

interface Place {
  readonly oldBytes: number;
  readonly newBytes: number;
  readonly packedOffset: number;
}

function readChunk(view: Buffer, index: number, { oldBytes, newBytes, packedOffset }: Place): DeltaChunk {
  const at = PREAMBLE_BYTES + index * ENTRY_BYTES;
  const oldOffset = readLength(view, at, 0);
  const oldLength = view.readUInt32LE(at + 8);
  const packedLength = view.readUInt32LE(at + 12);
  const newOffset = index * CHUNK_BYTES;
  const newLength = Math.min(CHUNK_BYTES, newBytes - newOffset);
  if (oldLength > OLD_BYTES_MAX || oldOffset + oldLength > oldBytes) {
    throw new DeltaError("MALFORMED", `chunk ${index} refers to what the old part does not have`);
  }
  // A little more than it makes, for bytes that do not get shorter.
  if (packedLength === 0 || packedLength > newLength + newLength / 128 + 64) {
    throw new DeltaError("MALFORMED", `chunk ${index} has ${packedLength} packed bytes for ${newLength}`);
  }
  return { newOffset, newLength, oldOffset, oldLength, packedOffset, packedLength };
}

function readLength(view: Buffer, at: number, bytesMin: number): number {
  const length = view.readBigUInt64LE(at);
  if (length < BigInt(bytesMin) || length > BigInt(PART_BYTES_MAX)) {
    throw new DeltaError("MALFORMED", `a length of ${length} bytes`);
  }
  return Number(length);
}

function countOf(newBytes: number): number {
  return Math.ceil(newBytes / CHUNK_BYTES);
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
