/**
 * A small network for tests: keys from fixed seeds, files made by the code that ceremonies use, and a mirror and a disk in
 * memory. The mirror serves whatever a test puts there.
 */
import { memberKey } from "../../fixtures.ts";
import type { KeyPair } from "../../keys.ts";
import type { AllowedBuild } from "../form/allowlist.ts";
import type { FileName, KeptMetadata, MetadataSource, MetadataStore } from "../client/ports.ts";
import { fileNameOf } from "../client/ports.ts";
import { initAllowlist } from "../repository/allowlist.ts";
import { signFile } from "../repository/file.ts";
import { publish } from "../repository/publish.ts";
import { type RootPlan, initRoot } from "../repository/root.ts";
import { hex, sha256, text } from "./forge.ts";

const DAY_MS = 86_400_000;

/** T in tests: 2031, so that the machine's own clock is wrong by years. */
export const T: number = Date.parse("2031-05-01T00:00:00Z");

/** Who holds what in the test network. */
export const KEYS: Readonly<{
  root: readonly KeyPair[];
  council: readonly KeyPair[];
  publisher: KeyPair;
  breaker: KeyPair;
  stranger: KeyPair;
}> = {
  root: [memberKey(1), memberKey(2), memberKey(3)],
  council: [memberKey(11), memberKey(12), memberKey(13)],
  publisher: memberKey(21),
  breaker: memberKey(31),
  stranger: memberKey(41),
};

/** The plan of the test network: root 2 of 3, council 2 of 3, one publisher, one breaker. */
export const PLAN: RootPlan = {
  network: "demo",
  expiresMs: T + 3650 * DAY_MS,
  roles: {
    root: { threshold: 2, keys: KEYS.root.map(publicHex) },
    targets: { threshold: 2, keys: KEYS.council.map(publicHex) },
    snapshot: { threshold: 1, keys: [publicHex(KEYS.publisher)] },
    timestamp: { threshold: 1, keys: [publicHex(KEYS.publisher)] },
  },
  breakers: [publicHex(KEYS.breaker)],
  serverKeys: { active: [sha256(text("server"))], backup: [sha256(text("spare"))] },
};

/** A build that may be on a list. */
export function build(name: string, over: Partial<AllowedBuild> = {}): AllowedBuild {
  return {
    digest: sha256(text(name)),
    lengthBytes: name.length,
    platform: { os: "linux", arch: "x64" },
    version: "2.0.0",
    releaseCounter: 2,
    fromVersions: ["1.0.0"],
    flags: new Map([["fast", true]]),
    ...over,
  };
}

/** Signs with each key in turn. */
export function signedBy(bytes: Uint8Array, ...keys: readonly KeyPair[]): Uint8Array {
  return keys.reduce((file, key) => signFile(file, key.privateKey), bytes);
}

export function publicHex(key: KeyPair): string {
  return hex(key.publicKey);
}

/** One file that was asked for. */
export interface Asked extends FileName {
  readonly bytesMax: number;
}

/** A mirror in memory, and the disk of one device. */
export class World {
  /** By file name, as `2.root.json`. */
  readonly files: Map<string, Uint8Array> = new Map();
  readonly asked: Asked[] = [];
  readonly flashedRoot: Uint8Array;
  kept: KeptMetadata;
  saves = 0;

  constructor(root: Uint8Array = signedBy(initRoot(PLAN), ...KEYS.root)) {
    this.flashedRoot = root;
    this.kept = { root, targets: new Map() };
    this.files.set("1.root.json", root);
  }

  readonly source: MetadataSource = {
    fetch: (file, bytesMax) => {
      this.asked.push({ ...file, bytesMax });
      return Promise.resolve(this.files.get(fileNameOf(file)));
    },
  };

  readonly store: MetadataStore = {
    load: () => Promise.resolve(this.kept),
    save: (kept) => {
      this.kept = kept;
      this.saves += 1;
      return Promise.resolve();
    },
  };

  file(name: string): Uint8Array {
    const bytes = this.files.get(name);
    if (bytes === undefined) throw new Error(`the mirror has no ${name}`);
    return bytes;
  }

  /** The newest root that the mirror serves. */
  get root(): Uint8Array {
    for (let version = 1; ; version += 1) {
      if (!this.files.has(`${version + 1}.root.json`)) return this.file(`${version}.root.json`);
    }
  }

  /** Serves a list with its snapshot and timestamp, as the publisher does. */
  publish(targets: Uint8Array, nowMs: number = T): void {
    const [snapshot, timestamp] = [this.files.get("snapshot.json"), this.files.get("timestamp.json")];
    const previous = snapshot === undefined || timestamp === undefined ? {} : { previous: { snapshot, timestamp } };
    const published = publish({
      root: this.root,
      targets,
      ...previous,
      snapshotKeys: [KEYS.publisher.privateKey],
      timestampKeys: [KEYS.publisher.privateKey],
      nowMs,
      snapshotLifetimeMs: 7 * DAY_MS,
    });
    this.serve("targets", targets);
    this.serve("snapshot", published.snapshot);
    this.files.set("timestamp.json", published.timestamp);
  }

  /** Serves a file under its version, and under its bare name as the newest. */
  serve(role: string, bytes: Uint8Array): void {
    const { version } = (JSON.parse(Buffer.from(bytes).toString("utf8")) as { signed: { version: number } }).signed;
    this.files.set(`${version}.${role}.json`, bytes);
    this.files.set(`${role}.json`, bytes);
  }
}

/** A network with one approved build. */
export function livelyWorld(): World {
  const world = new World();
  world.publish(listOf(build("one")));
  return world;
}

/** A signed list of these builds, version 1. */
export function listOf(...builds: readonly AllowedBuild[]): Uint8Array {
  return signedBy(initAllowlist("demo", { expiresMs: T + 90 * DAY_MS, add: builds }), ...KEYS.council.slice(0, 2));
}
