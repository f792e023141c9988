/**
 * The publisher's work: a snapshot that names the council's list, and a timestamp that names the snapshot. It approves
 * nothing: a list without the council's quorum is refused here as it is on every device.
 */
import { digestOf } from "../../digest.ts";
import { TufError } from "../errors.ts";
import type { MetadataDocument } from "../form/document.ts";
import { MOULT_SCHEMES } from "../form/ed25519-scheme.ts";
import { TIMESTAMP_LIFETIME_MAX_MS, readNetworkTimestamp } from "../form/freshness.ts";
import { requireQuorum } from "../form/keys.ts";
import { readNetworkRoot } from "../form/network-root.ts";
import { formatTime } from "../form/reader.ts";
import { type TopRole, readRootForm } from "../form/root.ts";
import type { Json } from "../form/strict-json.ts";
import { SPEC_VERSION, readFile, signFile, unsignedFile } from "./file.ts";

/** What the publisher has at hand. */
export interface Publication {
  /** The newest root. */
  readonly root: Uint8Array;
  /** The council's list, with its quorum. */
  readonly targets: Uint8Array;
  /** What was published last; absent the first time. */
  readonly previous?: { readonly snapshot: Uint8Array; readonly timestamp: Uint8Array };
  /** Private keys of the snapshot and the timestamp role; may be the same. */
  readonly snapshotKeys: readonly Uint8Array[];
  readonly timestampKeys: readonly Uint8Array[];
  /** Milliseconds since 1970, by the publisher's clock. */
  readonly nowMs: number;
  /** How long the snapshot lives, milliseconds. */
  readonly snapshotLifetimeMs: number;
  /** How long the timestamp lives, milliseconds; at most 24 hours, which is the default. */
  readonly timestampLifetimeMs?: number;
  /** Digests of the signed brakes that hold, at most 64; a device that misses one of them does not move. Default: none. */
  readonly brakes?: readonly string[];
}

/** What a timestamp is made of, besides the snapshot that it names. */
type Freshness = Pick<Publication, "root" | "timestampKeys" | "nowMs" | "timestampLifetimeMs" | "brakes">;

/** The two files that make a list the current one. Throws TufError. */
export function publish(publication: Publication): { readonly snapshot: Uint8Array; readonly timestamp: Uint8Array } {
  const { root, targets, previous, nowMs } = publication;
  const { network } = readNetworkRoot(readFile(root, "root"));
  requireSigned(readFile(targets, "targets"), root, "targets");
  const snapshot = signedBy(publication.snapshotKeys, root, "snapshot", {
    _type: "snapshot",
    spec_version: SPEC_VERSION,
    version: versionAfter(previous?.snapshot),
    expires: formatTime(nowMs + publication.snapshotLifetimeMs),
    meta: { "targets.json": entry(targets) },
    moult: { network },
  });
  return { snapshot, timestamp: timestampOf({ ...publication, snapshot }) };
}

/** A fresh timestamp for a snapshot that stays: what the publisher does every few hours. Throws TufError. */
export function renewTimestamp(
  publication: Freshness & {
    readonly previous: { readonly snapshot: Uint8Array; readonly timestamp: Uint8Array };
  },
): Uint8Array {
  return timestampOf({ ...publication, snapshot: publication.previous.snapshot });
}

function timestampOf(
  publication: Freshness & Pick<Publication, "previous"> & { readonly snapshot: Uint8Array },
): Uint8Array {
  const { root, snapshot, previous, nowMs, timestampLifetimeMs = TIMESTAMP_LIFETIME_MAX_MS, brakes = [] } = publication;
  requireSigned(readFile(snapshot, "snapshot"), root, "snapshot");
  const issuedMs = nowMs - (nowMs % 1000);
  const before = previous === undefined ? undefined : readFile(previous.timestamp, "timestamp");
  if (before !== undefined && readNetworkTimestamp(before).issuedMs > issuedMs) {
    throw new TufError("ROLLED_BACK", "timestamp", "the clock is behind the timestamp that was published last");
  }
  return signedBy(publication.timestampKeys, root, "timestamp", {
    _type: "timestamp",
    spec_version: SPEC_VERSION,
    version: versionAfter(previous?.timestamp),
    expires: formatTime(issuedMs + timestampLifetimeMs),
    meta: { "snapshot.json": entry(snapshot) },
    moult: {
      network: readNetworkRoot(readFile(root, "root")).network,
      issued: formatTime(issuedMs),
      ...(brakes.length > 0 && { brakes: [...new Set(brakes)].sort() }),
    },
  });
}

/** How a parent names a file. */
function entry(file: Uint8Array): Json {
  return { version: readFile(file).version, length: file.length, hashes: { sha256: digestOf(file) } };
}

function versionAfter(previous: Uint8Array | undefined): number {
  return previous === undefined ? 1 : readFile(previous).version + 1;
}

function signedBy(
  keys: readonly Uint8Array[],
  root: Uint8Array,
  role: TopRole,
  signed: Record<string, Json>,
): Uint8Array {
  const file = keys.reduce(signFile, unsignedFile(signed));
  requireSigned(readFile(file), root, role);
  return file;
}

function requireSigned(document: MetadataDocument, root: Uint8Array, role: TopRole): void {
  const rootDocument = readFile(root, "root");
  const form = readRootForm(rootDocument, MOULT_SCHEMES);
  requireQuorum(document, form.roles[role], form.keys, role);
}
