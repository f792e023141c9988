/**
 * Deltas: how a part travels in fewer bytes. Bytes in, bytes out; no disk, no network, no other package of Moult.
 * Nothing in a delta is believed: what comes of it is verified like any part, by whoever wanted the part.
 */
export {
  CHUNK_BYTES,
  type DeltaChunk,
  type DeltaExpected,
  type DeltaHead,
  HEAD_BYTES_MAX,
  OLD_BYTES_MAX,
  PART_BYTES_MIN,
  checkExpected,
  encodeHead,
  headLengthOf,
  readHead,
} from "./format.ts";
export { DeltaError, type DeltaErrorCode } from "./errors.ts";
export { type DeltaOld, type MadeDelta, makeDelta } from "./make.ts";
export { unpackChunk } from "./unpack.ts";
