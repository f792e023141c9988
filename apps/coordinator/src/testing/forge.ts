/** Metadata as somebody would make it who has some of the keys and does not keep to the rules. */
import { createHash } from "node:crypto";
import type { KeyPair } from "@moult/trust";
import { signFile } from "@moult/trust/tuf";

/** The signed part of a file, loosely. */
export interface Signed {
  version: number;
  expires: string;
  meta: Record<string, { version: number; length: number; hashes: { sha256: string } }>;
  moult: Record<string, unknown>;
}

/** A file with another signed part, signed by these keys and nobody else. */
export function forged(file: Uint8Array, change: (signed: Signed) => void, keys: readonly KeyPair[]): Uint8Array {
  const document = JSON.parse(Buffer.from(file).toString()) as { signed: Signed; signatures: unknown[] };
  change(document.signed);
  document.signatures = [];
  const bare: Uint8Array = Buffer.from(JSON.stringify(document));
  return keys.reduce((signed, { privateKey }) => signFile(signed, privateKey), bare);
}

/** How a parent names a file. */
export function entryOf(file: Uint8Array): Signed["meta"][string] {
  const { version } = (JSON.parse(Buffer.from(file).toString()) as { signed: Signed }).signed;
  return { version, length: file.length, hashes: { sha256: createHash("sha256").update(file).digest("hex") } };
}
