/**
 * Ed25519 as Moult uses it: strict (RFC 8032 encodings, S below the group order), and only with keys of the prime-order
 * group. Keys of small order verify almost anything; keys with a small-order component give one signer several public
 * keys, which would count several times in a quorum. Nothing outside this file calls the curve library.
 */
import { createHash } from "node:crypto";
import { Point, getPublicKey, hashes, sign as signEd25519, verify } from "@noble/ed25519";

/** Bytes of a public key, and of a private key (its RFC 8032 seed). */
export const KEY_BYTES = 32;

/** Bytes of a signature. */
export const SIGNATURE_BYTES = 64;

// The library's synchronous calls want to be told which SHA-512 to use; the platform's needs no promise.
hashes.sha512 = (message) => new Uint8Array(createHash("sha512").update(message).digest());

/** The public key that belongs to a private key of 32 bytes. */
export function publicKeyOf(privateKey: Uint8Array): Uint8Array {
  return getPublicKey(privateKey);
}

/** The 64-byte signature over `message`; the same every time. */
export function sign(message: Uint8Array, privateKey: Uint8Array): Uint8Array {
  return signEd25519(message, privateKey);
}

/** Whether `signature` is by the holder of `publicKey` over exactly `message`. Malformed input is false. */
export function verifyStrict(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES || !isSoundPublicKey(publicKey)) return false;
  return verify(signature, message, publicKey, { zip215: false });
}

/**
 * Keys that were found sound. The answer never changes and costs more than a verification, and one network has few keys;
 * strangers who send many only cost themselves the memory's contents.
 */
const sound = new Set<string>();
const SOUND_MAX = 256;

/** Whether the bytes are the one encoding of a point that can be signed for, and not of small or mixed order. */
export function isSoundPublicKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== KEY_BYTES) return false;
  const name = Buffer.from(publicKey).toString("latin1");
  if (sound.has(name)) return true;
  const point = decode(publicKey);
  if (point === undefined || point.isSmallOrder() || !point.isTorsionFree()) return false;
  if (sound.size >= SOUND_MAX) sound.clear();
  sound.add(name);
  return true;
}

/** The library tells a bad encoding by throwing. */
function decode(publicKey: Uint8Array): Point | undefined {
  try {
    return Point.fromBytes(publicKey, false);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}
