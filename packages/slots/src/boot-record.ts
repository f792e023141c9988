/**
 * The boot record: which slot runs, and which is on trial. Two files hold it by turns, each sealed and numbered; the
 * newest whole one wins, so that a power cut while one is written leaves the other. Pure: bytes in, record out.
 */
import { seal, unseal } from "./sealed.ts";

/** Where a build stands on a device. `factory` is never written after the device was made. */
export type SlotName = "factory" | "a" | "b";

/** All slots, the last resort last. */
export const SLOT_NAMES: readonly SlotName[] = ["a", "b", "factory"];

/** A build in a slot, by the digest of its manifest. */
export interface SlotRef {
  readonly slot: SlotName;
  /** 64 lowercase hexadecimal digits. */
  readonly digest: string;
}

/** A build on probation. */
export interface Trial extends SlotRef {
  /** How many more times it may be started before it is abandoned. Counts down only while the trial pends. */
  readonly triesLeft: number;
}

/** A build that was given up, left for the next agent to report. */
export interface Abandoned {
  readonly digest: string;
  /** One word of the contract's FailureReason, such as AGENT_DID_NOT_START. */
  readonly reason: string;
  /** One sentence for people, at most 512 characters. */
  readonly message: string;
  /** Whether the build is at fault and must never be tried again; false where only its bytes on this disk were. */
  readonly deny: boolean;
}

/** What the launcher goes by. */
export interface BootRecord {
  /** The build that was kept last; runs when no trial pends. */
  readonly committed: SlotRef;
  /** The build that was kept before, where its slot still holds it. */
  readonly previous?: SlotRef;
  readonly trial?: Trial;
  readonly abandoned?: Abandoned;
}

/** A record with its number; a higher one is newer. */
export interface NumberedRecord {
  /** 1 or more. */
  readonly sequence: number;
  readonly record: BootRecord;
}

/** More than any record takes; what is longer is none. */
export const BOOT_RECORD_BYTES_MAX = 16_384;

/** Longest message that is kept, in characters. */
const MESSAGE_LENGTH_MAX = 512;

/** The bytes of one of the two files. */
export function encodeBootRecord(numbered: NumberedRecord): Uint8Array {
  const { sequence, record } = numbered;
  const { abandoned } = record;
  if (abandoned === undefined) return seal({ sequence, ...record });
  const message = abandoned.message.slice(0, MESSAGE_LENGTH_MAX);
  return seal({ sequence, ...record, abandoned: { ...abandoned, message } });
}

/** The record in one file; undefined where the file is torn, empty or malformed. Unknown keys are ignored. */
export function decodeBootRecord(bytes: Uint8Array): NumberedRecord | undefined {
  const value = unseal(bytes);
  if (!isObject(value)) return undefined;
  const { sequence } = value;
  if (typeof sequence !== "number" || !Number.isSafeInteger(sequence) || sequence < 1) return undefined;
  const committed = readRef(value["committed"]);
  if (committed === undefined) return undefined;
  const previous = readRef(value["previous"]);
  const trial = readTrial(value["trial"]);
  const abandoned = readAbandoned(value["abandoned"]);
  return {
    sequence,
    record: { committed, ...(previous && { previous }), ...(trial && { trial }), ...(abandoned && { abandoned }) },
  };
}

/** The newest of the records that could be read, and which of the two files has it. */
export function chooseBootRecord(
  files: readonly [NumberedRecord | undefined, NumberedRecord | undefined],
): { readonly newest: NumberedRecord; readonly place: 0 | 1 } | undefined {
  const [first, second] = files;
  if (first === undefined) return second && { newest: second, place: 1 };
  if (second === undefined || first.sequence >= second.sequence) return { newest: first, place: 0 };
  return { newest: second, place: 1 };
}

function readRef(value: unknown): SlotRef | undefined {
  if (!isObject(value)) return undefined;
  const { slot, digest } = value;
  if (!isSlotName(slot) || !isDigest(digest)) return undefined;
  return { slot, digest };
}

function readTrial(value: unknown): Trial | undefined {
  const ref = readRef(value);
  if (ref === undefined || !isObject(value)) return undefined;
  const { triesLeft } = value;
  if (typeof triesLeft !== "number" || !Number.isSafeInteger(triesLeft) || triesLeft < 0) return undefined;
  return { ...ref, triesLeft };
}

function readAbandoned(value: unknown): Abandoned | undefined {
  if (!isObject(value)) return undefined;
  const { digest, reason, message, deny } = value;
  if (!isDigest(digest) || typeof reason !== "string" || typeof message !== "string") return undefined;
  return { digest, reason, message, deny: deny !== false };
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
