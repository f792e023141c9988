/**
 * Metadata as an attacker makes it: anything can be signed here, by whichever keys are in the wrong hands, and served under
 * any name. Ids and lengths are worked out apart from the programs that judge them.
 */
import type { KeyPair } from "@moult/trust";
import type { TestNetwork } from "@moult/trust/testing";
import type { CouncilWord } from "@moult/trust/tuf";
import { type TestBuild, entryOf } from "../../../apps/agent/src/testing/test-build.ts";
import { type Loose, seal, sha256, signedOf } from "../../../packages/trust/src/tuf/testing/forge.ts";

const DAY_MS = 86_400_000;

/** A change to a signed part. */
export type Change = (signed: Loose) => void;

/** How a publication differs from an honest one. */
export interface Twist {
  readonly snapshot?: Change;
  readonly timestamp?: Change;
  /** Who signs snapshot and timestamp; the publisher where nobody is named. */
  readonly publisher?: KeyPair;
  /** Who signs the snapshot, where it is somebody else. */
  readonly snapshotKey?: KeyPair;
  /** Milliseconds since 1970; now where it is not said. */
  readonly issuedMs?: number;
  /** How long the timestamp lives, in milliseconds; a day where it is not said. */
  readonly lifetimeMs?: number;
}

/** What a mirror and a coordinator in the wrong hands serve. */
export class Forge {
  readonly network: TestNetwork;
  /** By TUF's file names. */
  readonly files: Map<string, Uint8Array> = new Map();
  root: Uint8Array;
  /** Version of the last publication: list, snapshot and timestamp have the same. */
  version = 0;

  constructor(network: TestNetwork) {
    this.network = network;
    this.root = network.flashedRoot;
    this.files.set("1.root.json", this.root);
  }

  /** The signed part of the next list, of these builds. */
  list(builds: readonly TestBuild[], word: CouncilWord = {}): Loose {
    const proposed = this.network.propose({ add: builds.map((build) => entryOf(build, word)) });
    return { ...signedOf(proposed), version: this.version + 1 };
  }

  /** Two of three council members sign. */
  approved(signed: Loose): Uint8Array {
    return seal(signed, this.network.keys.council.slice(0, 2));
  }

  /** Serves the list under a snapshot and a timestamp that name it. Answers its version. */
  publish(list: Uint8Array, twist: Twist = {}): number {
    const { publisher = this.network.keys.publisher, issuedMs = Date.now(), lifetimeMs = DAY_MS } = twist;
    const { snapshotKey = publisher } = twist;
    const version = this.version + 1;
    const { network } = this.network;
    const snapshot: Loose = {
      _type: "snapshot",
      spec_version: "1.0.31",
      version,
      expires: timeText(issuedMs + 7 * DAY_MS),
      meta: { "targets.json": named(list) },
      moult: { network },
    };
    twist.snapshot?.(snapshot);
    const snapshotBytes = seal(snapshot, [snapshotKey]);
    const timestamp: Loose = {
      _type: "timestamp",
      spec_version: "1.0.31",
      version,
      expires: timeText(secondOf(issuedMs) + lifetimeMs),
      meta: { "snapshot.json": named(snapshotBytes) },
      moult: { network, issued: timeText(issuedMs) },
    };
    twist.timestamp?.(timestamp);
    this.files.set(`${String(signedOf(list)["version"])}.targets.json`, list);
    this.files.set(`${String(snapshot["version"])}.snapshot.json`, snapshotBytes);
    this.files.set("timestamp.json", seal(timestamp, [publisher]));
    this.version = version;
    return version;
  }

  /** Publishes a list of these builds as those who may do. */
  allow(builds: readonly TestBuild[], word: CouncilWord = {}, twist: Twist = {}): number {
    return this.publish(this.approved(this.list(builds, word)), twist);
  }

  /** Serves a next root, changed and signed by these; nothing is built on it. */
  serveRoot(change: Change, signers: readonly KeyPair[] = this.network.keys.root): Uint8Array {
    const signed = structuredClone(signedOf(this.root));
    const version = Number(signed["version"]) + 1;
    signed["version"] = version;
    change(signed);
    const bytes = seal(signed, signers);
    this.files.set(`${version}.root.json`, bytes);
    return bytes;
  }

  /** The same, and it is the newest from now on. */
  rotate(change: Change, signers: readonly KeyPair[] = this.network.keys.root): void {
    this.root = this.serveRoot(change, signers);
  }

  /** All that is served now, to be served again. */
  record(): ReadonlyMap<string, Uint8Array> {
    return new Map(this.files);
  }
}

/** How a parent names a file. */
export function named(bytes: Uint8Array): Loose {
  return { version: signedOf(bytes)["version"], length: bytes.length, hashes: { sha256: sha256(bytes) } };
}

/** Part of a signed part. */
export function part(signed: Loose, ...path: readonly string[]): Loose {
  return path.reduce((at, key) => at[key] as Loose, signed);
}

/** A time as metadata has it. */
export function timeText(ms: number): string {
  return new Date(secondOf(ms)).toISOString().replace(".000Z", "Z");
}

function secondOf(ms: number): number {
  return ms - (ms % 1000);
}
