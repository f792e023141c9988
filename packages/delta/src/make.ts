/** Makes deltas, at a releaser's desk: takes time and memory so that devices need little of both. */
import { promisify } from "node:util";
import { constants, zstdCompress } from "node:zlib";
import { DeltaError } from "./errors.ts";
import { CHUNK_BYTES, type DeltaChunk, OLD_BYTES_MAX, PART_BYTES_MIN, encodeHead } from "./format.ts";
import { WINDOW_LOG, isUsableRange, unpackChunk } from "./unpack.ts";

/** A part to start from. */
export interface DeltaOld {
  readonly digest: string;
  readonly bytes: Uint8Array;
}

/** A delta, in pieces that follow one another. */
export interface MadeDelta {
  readonly deltaBytes: number;
  readonly pieces: readonly Uint8Array[];
}

/** Short parts are packed as tightly as can be; a runtime at the level from which more hardly pays. */
const LEVEL_SHORT = 19;
const LEVEL_LONG = 12;
/** What is short, in bytes. */
const SHORT_BYTES = 4 * CHUNK_BYTES;
/** For a first look at which old range serves best. */
const LEVEL_LOOK = 1;

/** zstd's least table. */
const TABLE_LOG_MIN = 12;
/** And what is enough for a look. */
const TABLE_LOG_LOOK = 21;

/** Chunks that are packed at the same time. Each takes some 200 MB while it is. */
const AT_ONCE = 2;

const compress = promisify(zstdCompress);

/**
 * The delta that makes `bytes`, whose digest is `digest`, from `old`, or from nothing. Undefined where it would not be
 * shorter than the part. Equal input gives equal bytes on the same runtime. `onBytes` learns how many bytes of the new
 * part were dealt with each time.
 */
export async function makeDelta(
  part: { readonly digest: string; readonly bytes: Uint8Array },
  old: DeltaOld | undefined,
  onBytes: (count: number) => void = () => {},
): Promise<MadeDelta | undefined> {
  const { digest, bytes } = part;
  const lengthBytes = bytes.length;
  if (lengthBytes < PART_BYTES_MIN) return undefined;
  const count = Math.ceil(lengthBytes / CHUNK_BYTES);
  const packed: Packed[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const chunk = await packBest(bytes, index * CHUNK_BYTES, old?.bytes ?? new Uint8Array());
      packed[index] = chunk;
      onBytes(chunk.newLength);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, work));
  const chunks = packed.map(({ oldOffset, oldLength, bytes: { length } }) => ({
    oldOffset,
    oldLength,
    packedLength: length,
  }));
  const oldRef = old && { digest: old.digest, lengthBytes: old.bytes.length };
  const pieces = [encodeHead({ old: oldRef, digest, lengthBytes, chunks }), ...packed.map((chunk) => chunk.bytes)];
  const deltaBytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return deltaBytes < lengthBytes ? { deltaBytes, pieces } : undefined;
}

interface Range {
  readonly oldOffset: number;
  readonly oldLength: number;
}

interface Packed extends Range {
  readonly newLength: number;
  readonly bytes: Uint8Array;
}

async function packBest(bytes: Uint8Array, newOffset: number, old: Uint8Array): Promise<Packed> {
  const piece = bytes.subarray(newOffset, newOffset + CHUNK_BYTES);
  const ranges = rangesFor(newOffset, bytes.length, old.length);
  const [only, ...others] = ranges.filter((range) => isUsableRange(cut(old, range)));
  let best = only ?? { oldOffset: 0, oldLength: 0 };
  if (others.length > 0) {
    let bestBytes = Number.POSITIVE_INFINITY;
    for (const range of [best, ...others]) {
      const { length } = await pack(piece, cut(old, range), LEVEL_LOOK);
      if (length < bestBytes) [best, bestBytes] = [range, length];
    }
  }
  const level = bytes.length <= SHORT_BYTES ? LEVEL_SHORT : LEVEL_LONG;
  const made = { ...best, newLength: piece.length, bytes: await pack(piece, cut(old, best), level) };
  checkUnpacks(piece, made, cut(old, best));
  return made;
}

/** Where the old bytes of a chunk may be: where they were, seen from the start, from the end, and in proportion. */
function rangesFor(newOffset: number, newBytes: number, oldBytes: number): readonly Range[] {
  if (oldBytes === 0) return [];
  if (oldBytes <= OLD_BYTES_MAX) return [{ oldOffset: 0, oldLength: oldBytes }];
  const margin = (OLD_BYTES_MAX - CHUNK_BYTES) / 2;
  const last = oldBytes - OLD_BYTES_MAX;
  const middles = [newOffset, oldBytes - (newBytes - newOffset), Math.round((newOffset / newBytes) * oldBytes)];
  const offsets = new Set<number>();
  for (const middle of middles) {
    const offset = Math.min(Math.max(middle - margin, 0), last);
    // What is nearly the same is not looked at twice.
    if (![...offsets].some((known) => Math.abs(known - offset) < margin / 4)) offsets.add(offset);
  }
  return [...offsets].map((oldOffset) => ({ oldOffset, oldLength: OLD_BYTES_MAX }));
}

function cut(old: Uint8Array, { oldOffset, oldLength }: Range): Uint8Array {
  return old.subarray(oldOffset, oldOffset + oldLength);
}

function pack(piece: Uint8Array, oldRange: Uint8Array, level: number): Promise<Uint8Array> {
  // Tables with a place for every byte: with zstd's own choice a large dictionary saves next to nothing.
  const wholeLog = Math.max(TABLE_LOG_MIN, Math.ceil(Math.log2(piece.length + oldRange.length)));
  const tableLog = level === LEVEL_LOOK ? Math.min(wholeLog, TABLE_LOG_LOOK) : wholeLog;
  const dictionary = oldRange.length > 0 ? { dictionary: oldRange } : {};
  return compress(piece, {
    pledgedSrcSize: piece.length,
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_windowLog]: WINDOW_LOG,
      [constants.ZSTD_c_hashLog]: tableLog,
      [constants.ZSTD_c_chainLog]: tableLog,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
    ...dictionary,
  });
}

/** What goes out to a fleet has been unpacked once. Throws DeltaError CHUNK_WRONG. */
function checkUnpacks(piece: Uint8Array, made: Packed, oldRange: Uint8Array): void {
  const chunk: DeltaChunk = { ...made, newOffset: 0, packedOffset: 0, packedLength: made.bytes.length };
  if (Buffer.compare(unpackChunk(chunk, made.bytes, oldRange), piece) === 0) return;
  throw new DeltaError("CHUNK_WRONG", "zstd did not give back what it was given");
}
