/**
 * Hashes of the tree, as RFC 6962, section 2.1 defines them: SHA-256 with one byte before the data that keeps leaves and
 * inner nodes apart.
 */
import { hash } from "node:crypto";

/** Bytes of a hash. */
export const HASH_BYTES = 32;

/** The root of the tree without leaves: SHA-256 of nothing. */
export const EMPTY_ROOT: Uint8Array = sha256(new Uint8Array());

const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;

/** What is hashed is put together here: a log of a million leaves is two million hashes, and nothing of this may wait. */
const scratch: Uint8Array = new Uint8Array(1 + 65_535);

/** The hash of a leaf. */
export function leafHash(entry: Uint8Array): Uint8Array {
  const input =
    entry.length < scratch.length ? scratch.subarray(0, 1 + entry.length) : new Uint8Array(1 + entry.length);
  input[0] = LEAF_PREFIX;
  input.set(entry, 1);
  return sha256(input);
}

/** The hash of an inner node. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  const input = scratch.subarray(0, 1 + 2 * HASH_BYTES);
  input[0] = NODE_PREFIX;
  input.set(left, 1);
  input.set(right, 1 + HASH_BYTES);
  return sha256(input);
}

/** Whether two hashes are the same. Nothing here is secret, so time does not matter. */
export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function sha256(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}
