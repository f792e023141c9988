/** The one scheme of Moult's own metadata: Ed25519, keys and signatures in lowercase hexadecimal of exact length. */
import { SIGNATURE_BYTES, isSoundPublicKey, verifyStrict } from "../../ed25519.ts";
import { fromHex } from "../../encoding.ts";
import { digestOf } from "../../digest.ts";
import { canonicalBytes } from "./canonical.ts";
import type { Scheme, Schemes } from "./keys.ts";

/** Key type and scheme as metadata names them. */
export const ED25519 = "ed25519";

/** Strict Ed25519. */
export const ED25519_SCHEME: Scheme = {
  identity: (publicText) => {
    const key = fromHex(publicText);
    return key !== undefined && isSoundPublicKey(key) ? `${ED25519} ${publicText}` : undefined;
  },
  verify: (signatureText, message, publicText) => {
    const signature = fromHex(signatureText);
    const key = fromHex(publicText);
    if (signature?.length !== SIGNATURE_BYTES || key === undefined) return false;
    return verifyStrict(signature, message, key);
  },
};

/** The schemes of Moult's own metadata. */
export const MOULT_SCHEMES: Schemes = new Map([[`${ED25519}/${ED25519}`, ED25519_SCHEME]]);

/** A key as metadata lists it; `publicHex` is 64 lowercase hexadecimal digits. */
export function keyObject(publicHex: string): { keytype: string; keyval: { public: string }; scheme: string } {
  return { keytype: ED25519, keyval: { public: publicHex }, scheme: ED25519 };
}

/** The one id of a key: SHA-256 of its canonical object, as other implementations of TUF work it out too. */
export function tufKeyId(publicHex: string): string {
  return digestOf(canonicalBytes(keyObject(publicHex)));
}
