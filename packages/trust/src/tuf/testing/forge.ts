/** Metadata that breaks rules, for tests: anything can be signed here, by anybody, and bytes can be changed afterwards. */
import { createHash } from "node:crypto";
import { canonicalize } from "@tufjs/canonical-json";
import { sign } from "../../ed25519.ts";
import type { KeyPair } from "../../keys.ts";

/** A JSON object of any kind. */
export type Loose = Record<string, unknown>;

/** A key as a file lists it. */
export function listed(key: KeyPair): { keytype: string; scheme: string; keyval: { public: string } } {
  return { keytype: "ed25519", scheme: "ed25519", keyval: { public: hex(key.publicKey) } };
}

/** The id that a key has. Works it out apart from the code under test. */
export function idOf(key: KeyPair): string {
  const canonical = `{"keytype":"ed25519","keyval":{"public":"${hex(key.publicKey)}"},"scheme":"ed25519"}`;
  return createHash("sha256").update(canonical).digest("hex");
}

/** One signature over `signed`; under another id than the key's own where given. */
export function signature(signed: Loose, key: KeyPair, id: string = idOf(key)): { keyid: string; sig: string } {
  return { keyid: id, sig: hex(sign(Buffer.from(canonicalize(signed)), key.privateKey)) };
}

/** A file of `signed`, signed by these keys. */
export function seal(signed: Loose, keys: readonly KeyPair[]): Uint8Array {
  return file(
    signed,
    keys.map((key) => signature(signed, key)),
  );
}

/** A file of `signed` with these signatures. */
export function file(signed: Loose, signatures: readonly unknown[]): Uint8Array {
  return text(JSON.stringify({ signatures, signed }));
}

/** The signed part of a file, to be changed and signed again. */
export function signedOf(bytes: Uint8Array): Loose {
  return (JSON.parse(Buffer.from(bytes).toString("utf8")) as { signed: Loose }).signed;
}

/** The text of a file with every `from` as `to`; signatures stay as they are. Fails where there is no `from`. */
export function edited(bytes: Uint8Array, from: string, to: string): Uint8Array {
  const before = Buffer.from(bytes).toString("utf8");
  if (!before.includes(from)) throw new Error(`nothing to change: ${from}`);
  return text(before.replaceAll(from, to));
}

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
