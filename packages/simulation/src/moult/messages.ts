/** The words a simulated node says to the real ledger. */
import type { AskEvent, NodeRunning, OutcomeRecord, Release, ReportEvent, Situation, WorkState } from "@moult/policy";

/** The simulation begins at this time; only differences matter. 2026-01-05, a Monday, 00:00 UTC. */
export const EPOCH_MS: number = Date.UTC(2026, 0, 5);

const PLATFORM = { os: "linux", arch: "arm64" };
const OLD = { version: "1.0.0", digest: "1".repeat(64), releaseCounter: 1 };
const NEW = { version: "2.0.0", digest: "2".repeat(64), releaseCounter: 2 };
const HOST: readonly number[] = [];
const NO_SHARDS: readonly string[] = [];

/** What nodes run before and after. */
export const RUNNING_OLD: NodeRunning = { ...OLD, platform: PLATFORM };
export const RUNNING_NEW: NodeRunning = { ...NEW, platform: PLATFORM };

/** The release that is rolled out. */
export const RELEASE: Release = {
  version: NEW.version,
  releaseCounter: NEW.releaseCounter,
  builds: [
    {
      digest: NEW.digest,
      platform: PLATFORM,
      manifestBytes: 1024,
      fromVersions: [],
      parts: [{ path: "agent/agent.mjs", digest: "3".repeat(64), lengthBytes: 190_000 }],
      listed: true,
    },
  ],
  recalled: false,
  createdAtMs: EPOCH_MS,
  seed: "5".repeat(64),
};

/** Who speaks: a node within one boot. */
export interface Speaker {
  readonly nodeId: string;
  readonly bootId: string;
  readonly sequence: number;
}

/** What a node says of its work. */
export function situation(capacityRps: number, loadRps: number, workState: WorkState): Situation {
  return {
    capacityRps,
    loadRps,
    inFlight: 0,
    shards: NO_SHARDS,
    workState,
    interruptible: true,
    endpoint: "",
    host: HOST,
    osRelease: "",
  };
}

/** What an ask adds to who speaks and what it works at. */
export interface AskTold {
  readonly running: NodeRunning;
  readonly staged: boolean;
  readonly permitId: string;
  readonly drained: boolean;
  readonly denied: boolean;
  readonly freshPermitId: string;
}

const DENIED = [NEW.digest];
const NONE: readonly string[] = [];

/** An ask. */
export function askEvent(speaker: Speaker, told: AskTold, doing: Situation): AskEvent {
  return {
    nodeId: speaker.nodeId,
    bootId: speaker.bootId,
    sequence: speaker.sequence,
    running: told.running,
    situation: doing,
    stagedDigest: told.staged ? NEW.digest : "",
    permitId: told.permitId,
    drained: told.drained,
    deniedDigests: told.denied ? DENIED : NONE,
    freshPermitId: told.freshPermitId,
  };
}

/** A pulse. */
export function pulseEvent(speaker: Speaker, doing: Situation): ReportEvent {
  return {
    nodeId: speaker.nodeId,
    bootId: speaker.bootId,
    sequence: speaker.sequence,
    kind: "pulse",
    situation: doing,
  };
}

/** The node serves again. */
export function returnedEvent(speaker: Speaker, permitId: string, doing: Situation): ReportEvent {
  return { ...speaker, kind: "progress", permitId, phase: "RETURNED", situation: doing };
}

/** The move is over. */
export function outcomeEvent(
  speaker: Speaker,
  move: { readonly permitId: string; readonly reverted: boolean; readonly atMs: number },
  doing: Situation,
): ReportEvent {
  const outcome: OutcomeRecord = {
    kind: move.reverted ? "REVERTED" : "COMMITTED",
    reason: move.reverted ? "HEALTH_CHECK" : "NONE",
    targetDigest: NEW.digest,
    message: "",
    atMs: move.atMs,
  };
  const { version, digest, releaseCounter } = move.reverted ? OLD : NEW;
  const running = { version, digest, releaseCounter };
  return { ...speaker, kind: "outcome", permitId: move.permitId, outcome, running, situation: doing };
}
