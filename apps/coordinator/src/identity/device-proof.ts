/** Proof that a caller holds a device key: a strict Ed25519 signature over a fixed text, a zero byte and the challenge. */
import { createHash } from "node:crypto";
import { verifyStrict } from "@moult/trust";

const PURPOSE = Buffer.from("moult device proof v1\0", "ascii");
/** 64 bits of the key's hash: no two of 10^7 devices share an id by chance (odds below 10^-5), and people can read it. */
const ID_DIGITS = 16;

/** Whether the signature is good. */
export function provesKey(publicKey: Uint8Array, challenge: Uint8Array, signature: Uint8Array): boolean {
  return verifyStrict(signature, Buffer.concat([PURPOSE, challenge]), publicKey);
}

/** The id of the node with this key. */
export function nodeIdOf(publicKey: Uint8Array): string {
  return `n${createHash("sha256").update(publicKey).digest("hex").slice(0, ID_DIGITS)}`;
}
