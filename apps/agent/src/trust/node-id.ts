/** The node's id as its own key makes it. Pure. */
import { createHash } from "node:crypto";

/** As coordinators make ids: 64 bits of the key's hash. */
const ID_DIGITS = 16;

/**
 * The id of the node with this public key: `n` and the first 16 hexadecimal digits of its SHA-256. Worked out here, because
 * a device that took it from its coordinator would let that say where it stands in a cohort.
 */
export function nodeIdOf(publicKey: Uint8Array): string {
  return `n${createHash("sha256").update(publicKey).digest("hex").slice(0, ID_DIGITS)}`;
}
