/**
 * What of the machine survives a restart: denied digests, the move under way, the outcome nobody has acknowledged. Read
 * by later and by earlier agents than the one that wrote it, so reading keeps what it understands and drops the rest.
 */
import { type SlotName, seal, unseal } from "@moult/slots";
import { type TimeFloor, readTimeFloor } from "@moult/trust";
import type { BuildRef, FailureReason, Machine, Move, PendingOutcome, Timings } from "./state.ts";

/** What is kept. */
export interface Durable {
  readonly denied: readonly string[];
  readonly move?: Move;
  readonly outcome?: PendingOutcome;
  /** How late it is at least. The machine knows nothing of it; it lies in the same file so that a wake writes one. */
  readonly time?: TimeFloor;
  /** The slow T, in the same way. */
  readonly slowTime?: TimeFloor;
}

/** Of a device that was never told anything. */
export const NOTHING_DURABLE: Durable = { denied: [] };

/** The state file is small: 64 digests, a move and an outcome. What is longer is none. */
export const DURABLE_BYTES_MAX = 262_144;

/** More than a device will ever revert; the oldest are forgotten first. */
export const DENIED_MAX = 64;

/** What of `machine` must survive. */
export function durableOf(machine: Machine): Durable {
  const { phase, memory } = machine;
  const move = "move" in phase ? phase.move : undefined;
  const outcome = memory.telling?.outcome;
  return { denied: memory.denied, ...(move && { move }), ...(outcome && { outcome }) };
}

/** The bytes of the state file. */
export function encodeDurable(durable: Durable): Uint8Array {
  return seal(durable);
}

/** What the file holds; undefined where it is damaged. Parts of it that make no sense are left out. */
export function decodeDurable(bytes: Uint8Array): Durable | undefined {
  const value = unseal(bytes);
  if (!isObject(value)) return undefined;
  const denied = Array.isArray(value["denied"]) ? value["denied"].filter(isDigest).slice(0, DENIED_MAX) : [];
  const move = readMove(value["move"]);
  const outcome = readOutcome(value["outcome"]);
  const time = readTimeFloor(value["time"]);
  const slowTime = readTimeFloor(value["slowTime"]);
  return {
    denied,
    ...(move && { move }),
    ...(outcome && { outcome }),
    ...(time && { time }),
    ...(slowTime && { slowTime }),
  };
}

function readMove(value: unknown): Move | undefined {
  if (!isObject(value)) return undefined;
  const target = readBuild(value["target"]);
  const from = readBuild(value["from"]);
  const slot = isObject(value["target"]) ? value["target"]["slot"] : undefined;
  const { permitId, before, swapsWork, bootId, permittedAtMs, drainedAtMs, reachable, revert } = value;
  if (target === undefined || from === undefined || !isSlotName(slot) || typeof permitId !== "string") return undefined;
  const shards = isObject(before) && Array.isArray(before["shards"]) ? before["shards"] : [];
  const given = isObject(revert) ? readRevert(revert) : undefined;
  return {
    permitId,
    target: { ...target, slot },
    from,
    before: { shards: shards.filter((shard) => typeof shard === "string") },
    swapsWork: swapsWork !== false,
    bootId: typeof bootId === "string" ? bootId : "",
    permittedAtMs: readNumber(permittedAtMs),
    drainedAtMs: readNumber(drainedAtMs),
    timings: readTimings(value["timings"]),
    reachable: reachable !== false,
    ...(given && { revert: given }),
  };
}

function readOutcome(value: unknown): PendingOutcome | undefined {
  if (!isObject(value)) return undefined;
  const { permitId, targetDigest, kind, reason, message } = value;
  if (typeof permitId !== "string" || !isDigest(targetDigest)) return undefined;
  if (kind !== "COMMITTED" && kind !== "REVERTED" && kind !== "FAILED") return undefined;
  return {
    permitId,
    targetDigest,
    kind,
    ...(isFailureReason(reason) && { reason }),
    message: typeof message === "string" ? message : "",
    timings: readTimings(value["timings"]),
  };
}

function readRevert(value: Record<string, unknown>): Move["revert"] {
  const { reason, message } = value;
  if (!isFailureReason(reason)) return undefined;
  return { reason, message: typeof message === "string" ? message : "" };
}

function readBuild(value: unknown): BuildRef | undefined {
  if (!isObject(value)) return undefined;
  const { digest, version, releaseCounter } = value;
  if (!isDigest(digest) || typeof version !== "string" || typeof releaseCounter !== "number") return undefined;
  return { digest, version, releaseCounter };
}

function readTimings(value: unknown): Timings {
  const from = isObject(value) ? value : {};
  return {
    pullMs: readNumber(from["pullMs"]),
    drainMs: readNumber(from["drainMs"]),
    swapMs: readNumber(from["swapMs"]),
    trialMs: readNumber(from["trialMs"]),
  };
}

const REASONS: Readonly<Record<FailureReason, true>> = {
  AGENT_DID_NOT_START: true,
  HEALTH_CHECK: true,
  WORKLOAD_NOT_RESTORED: true,
  REJOIN_NOT_CONFIRMED: true,
  TRIAL_TIMEOUT: true,
  NOT_APPROVED: true,
  UNSUITABLE: true,
  PULL: true,
  DISK_FULL: true,
  DRAIN_TIMEOUT: true,
  PERMIT_EXPIRED: true,
  REFUSED: true,
  DISK: true,
  METADATA: true,
  BRAKED: true,
  OUTSIDE_COHORT: true,
};

/** Whether the word is one of the contract's. */
export function isFailureReason(value: unknown): value is FailureReason {
  return typeof value === "string" && Object.hasOwn(REASONS, value);
}

function readNumber(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : 0;
}

function isSlotName(value: unknown): value is SlotName {
  return value === "factory" || value === "a" || value === "b";
}

function isDigest(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
