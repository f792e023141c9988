/** Small fleets for tests: releases, nodes and events with everything filled in that a test does not care about. */
import type { AskEvent } from "../ledger/ask.ts";
import { type Ledger, type LedgerConfig, admit, createLedger } from "../ledger/ledger.ts";
import type { Node } from "../domain/node.ts";
import type { Release } from "../domain/release.ts";
import type { Situation } from "../domain/situation.ts";
import { POOL_DEFAULTS } from "../pool/config.ts";

export const START_MS = 1_000_000;
export const LINUX = { os: "linux", arch: "x64" };

/** The flat margin alone: what the look ahead adds has tests of its own. */
export const CONFIG: LedgerConfig = {
  pool: { ...POOL_DEFAULTS, marginRatio: 0.1, reportFreshMs: 60_000, permitTtlMs: 120_000, risk: { z: 0 } },
  retry: { allowlistMs: 3000, dialMs: 2000, capacityMs: 1000 },
};

/** A digest that is easy to tell apart. */
export function digest(letter: string): string {
  return letter.repeat(64);
}

/** Release `counter`.0.0 with one linux-x64 build whose digest is the counter's last digit. */
export function releaseOf(counter: number, more: Partial<Release> = {}): Release {
  const build = {
    digest: digest(String(counter % 10)),
    platform: LINUX,
    manifestBytes: 1000,
    fromVersions: [],
    parts: [],
    listed: true,
  };
  const seed = "ab".repeat(32);
  return {
    version: `${counter}.0.0`,
    releaseCounter: counter,
    builds: [build],
    recalled: false,
    createdAtMs: START_MS,
    seed,
    ...more,
  };
}

export function situationOf(more: Partial<Situation> = {}): Situation {
  return {
    capacityRps: 10,
    loadRps: 5,
    inFlight: 0,
    shards: [],
    workState: "SERVING",
    interruptible: true,
    endpoint: "127.0.0.1:1",
    host: [],
    osRelease: "",
    ...more,
  };
}

export function emptyLedger(config: LedgerConfig = CONFIG): Ledger {
  return createLedger(config, START_MS);
}

/** Admits node `nodeId` to pool "home". */
export function enrolled(ledger: Ledger, nodeId: string, domains: readonly string[] = []): Node {
  return admit(ledger, {
    nodeId,
    poolId: "home",
    publicKey: "",
    model: "m1",
    labels: { region: "eu" },
    domains,
    enrolledAtMs: START_MS,
  });
}

let sequence = 0;

/** An ask by a node that runs release 1 and has staged nothing. Each has the next sequence. */
export function askOf(nodeId: string, more: Partial<AskEvent> = {}): AskEvent {
  sequence += 1;
  return {
    nodeId,
    bootId: "boot",
    sequence,
    running: { version: "1.0.0", digest: digest("1"), releaseCounter: 1, platform: LINUX },
    situation: situationOf(),
    stagedDigest: "",
    permitId: "",
    drained: false,
    deniedDigests: [],
    freshPermitId: `permit-${nodeId}-${sequence}`,
    ...more,
  };
}

/** The origin of a report, with the next sequence. */
export function originOf(nodeId: string): {
  readonly nodeId: string;
  readonly bootId: string;
  readonly sequence: number;
} {
  sequence += 1;
  return { nodeId, bootId: "boot", sequence };
}
