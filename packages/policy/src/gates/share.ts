/** A node's position within a release, by which a share of the fleet is chosen. */
import { createHmac } from "node:crypto";

/** 2^53: as many bits as a double holds exactly. */
const PLACES = 2 ** 53;

/**
 * HMAC-SHA256(seed, node id) read as a fraction in [0, 1): the top 53 bits of the big-endian number, full width, so that
 * small shares are as exact as large ones.
 */
export function sharePosition(seedHex: string, nodeId: string): number {
  return Number(placeOf(seedHex, nodeId)) / PLACES;
}

/** Whether a node's position is within so many parts per million: in whole numbers, so that nothing is rounded. */
export function isWithinPpm(seedHex: string, nodeId: string, sharePpm: number): boolean {
  return placeOf(seedHex, nodeId) * 1_000_000n < BigInt(sharePpm) * BigInt(PLACES);
}

function placeOf(seedHex: string, nodeId: string): bigint {
  const mac = createHmac("sha256", Buffer.from(seedHex, "hex")).update(nodeId).digest();
  return mac.readBigUInt64BE(0) >> 11n;
}
