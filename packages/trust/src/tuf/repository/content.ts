/**
 * What is in a metadata file, in Moult's own types, for those who make and carry files: its form was judged as a device
 * judges it, its signatures were not. Who acts on a file counts its quorum with `progressOf`.
 */
import { digestOf } from "../../digest.ts";
import { type Allowlist, readAllowlist } from "../form/allowlist.ts";
import type { Kind } from "../form/document.ts";
import { type NetworkTimestamp, readNetworkTimestamp } from "../form/freshness.ts";
import { type NetworkRoot, readNetworkRoot } from "../form/network-root.ts";
import { readFile } from "./file.ts";

/** What every file says of itself. */
export interface MetadataHead {
  readonly kind: Kind;
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly expiresMs: number;
  /** SHA-256 of the bytes that are signed, 64 hexadecimal digits: what members compare by voice. */
  readonly signedDigest: string;
  /** Key ids of the signatures, as they stand; not judged. */
  readonly keyIds: readonly string[];
}

/** The head of a file. Throws TufError where a device would refuse its form. */
export function headIn(file: Uint8Array): MetadataHead {
  const { kind, version, expiresMs, message, signatures } = readFile(file);
  return { kind, version, expiresMs, signedDigest: digestOf(message), keyIds: signatures.map((s) => s.keyId) };
}

/** The root in a file. Throws TufError. */
export function rootIn(file: Uint8Array): NetworkRoot {
  return readNetworkRoot(readFile(file, "root"));
}

/** The allowlist in a file. Throws TufError. */
export function allowlistIn(file: Uint8Array): Allowlist {
  return readAllowlist(readFile(file, "targets"));
}

/** The timestamp in a file. Throws TufError. */
export function timestampIn(file: Uint8Array): NetworkTimestamp {
  return readNetworkTimestamp(readFile(file, "timestamp"));
}
