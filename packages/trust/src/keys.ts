/**
 * Keys and their ids. A private key is its 32-byte seed; a public key is 32 bytes, written as hexadecimal; a key's id
 * is the SHA-256 of its raw bytes, so that one key cannot have two ids. Reads no files.
 */
import { randomBytes } from "node:crypto";
import { digestOf } from "./digest.ts";
import { KEY_BYTES, isSoundPublicKey, publicKeyOf } from "./ed25519.ts";
import { fromHex, toHex } from "./encoding.ts";
import { KeyError } from "./errors.ts";

/** A key pair as raw bytes. */
export interface KeyPair {
  /** The seed, 32 bytes. Secret. */
  readonly privateKey: Uint8Array;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** A new key pair; or the one that belongs to `seed`, 32 bytes. */
export function generateKey(seed: Uint8Array = randomBytes(KEY_BYTES)): KeyPair {
  const privateKey = new Uint8Array(seed);
  return { privateKey, publicKey: derivePublicKey(privateKey) };
}

/** The public key that belongs to a private key. Throws KeyError PRIVATE_KEY_INVALID. */
export function derivePublicKey(privateKey: Uint8Array): Uint8Array {
  if (privateKey.length !== KEY_BYTES) {
    throw new KeyError("PRIVATE_KEY_INVALID", `A private key has ${KEY_BYTES} bytes, not ${privateKey.length}.`);
  }
  return publicKeyOf(privateKey);
}

/** The id of a public key: 64 hexadecimal digits. */
export function keyId(publicKey: Uint8Array): string {
  return digestOf(publicKey);
}

/** A public key as people exchange it: 64 hexadecimal digits. */
export function formatPublicKey(publicKey: Uint8Array): string {
  return toHex(publicKey);
}

/** The public key written as 64 lowercase hexadecimal digits. Throws KeyError PUBLIC_KEY_INVALID. */
export function parsePublicKey(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes?.length !== KEY_BYTES) {
    throw new KeyError(
      "PUBLIC_KEY_INVALID",
      "A public key is written as 64 lowercase hexadecimal digits, as `moult key show` prints it.",
    );
  }
  if (!isSoundPublicKey(bytes)) {
    throw new KeyError("PUBLIC_KEY_INVALID", "This public key is none that can be signed with. Ask its holder again.");
  }
  return bytes;
}
