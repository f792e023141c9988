/**
 * Unpacks one chunk. Never makes more bytes than the head allows, and needs a bounded memory whatever it is given: the
 * old range (6 MiB) and zstd's copy of it, the packed bytes, a window and the result (2 MiB and a little each).
 */
import { constants, zstdDecompressSync } from "node:zlib";
import { DeltaError } from "./errors.ts";
import type { DeltaChunk } from "./format.ts";

/** 2²¹ bytes, a chunk: a frame that wants a larger window is refused before memory is taken for it. */
export const WINDOW_LOG = 21;

/** How a dictionary of zstd's own form begins (RFC 8878, section 5). */
const DICTIONARY_MAGIC = Buffer.from([0x37, 0xa4, 0x30, 0xec]);

/**
 * Whether zstd takes these bytes as what they are. Those that begin like a dictionary of its own form it would read as
 * one, and call their malformedness a lack of memory.
 */
export function isUsableRange(oldRange: Uint8Array): boolean {
  return Buffer.compare(oldRange.subarray(0, DICTIONARY_MAGIC.length), DICTIONARY_MAGIC) !== 0;
}

/** zstd's own errors, and more output than was allowed. Anything else is a defect. */
const BAD_BYTES = /^(ZSTD_error_|ERR_BUFFER_TOO_LARGE|Z_|ERR_ZSTD)/;

/**
 * The chunk's new bytes, in one go of some milliseconds: by way of Node's threads it takes half as much memory again, for
 * their zstd contexts are let go of late. `oldRange` is what the head names of the old part. Throws
 * DeltaError CHUNK_WRONG.
 */
export function unpackChunk(chunk: DeltaChunk, packed: Uint8Array, oldRange: Uint8Array): Uint8Array {
  const { newLength } = chunk;
  const made = unpack(packed, oldRange, newLength);
  if (made.length === newLength) return made;
  throw new DeltaError("CHUNK_WRONG", `a chunk made ${made.length} bytes instead of ${newLength}`);
}

function unpack(packed: Uint8Array, oldRange: Uint8Array, bytesMax: number): Uint8Array {
  if (!isUsableRange(oldRange)) throw new DeltaError("CHUNK_WRONG", "a chunk's old bytes begin like a dictionary");
  try {
    return zstdDecompressSync(packed, {
      maxOutputLength: bytesMax,
      chunkSize: Math.max(bytesMax, 64),
      params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG },
      ...(oldRange.length > 0 ? { dictionary: oldRange } : {}),
    });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!BAD_BYTES.test(code)) throw error;
    throw new DeltaError("CHUNK_WRONG", `a chunk cannot be unpacked: ${code}`, error);
  }
}
