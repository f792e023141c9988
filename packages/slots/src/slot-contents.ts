/**
 * What a slot holds, in a form of its own: the launcher of today must be able to check a slot whose manifest is of a
 * form it has never seen. Written by the agent that staged the slot.
 */
import type { Disk } from "./disk.ts";
import { seal, unseal } from "./sealed.ts";

/** One file of a build. */
export interface PartEntry {
  /** Relative, `/`-separated; no segment begins with a dot. */
  readonly path: string;
  /** SHA-256, 64 lowercase hexadecimal digits. */
  readonly digest: string;
  readonly lengthBytes: number;
  readonly executable: boolean;
}

/** A build as the slots know it. */
export interface SlotContents {
  /** The build's digest. */
  readonly digest: string;
  /** Path of the part that runs the agent. */
  readonly runtime: string;
  /** Path of the agent's part. */
  readonly agent: string;
  readonly parts: readonly PartEntry[];
}

/** 4,096 parts of at most some 300 bytes each. */
export const SLOT_CONTENTS_BYTES_MAX = 2_097_152;

/** The bytes of the contents file. */
export function encodeContents(contents: SlotContents): Uint8Array {
  return seal(contents);
}

/** The contents; undefined where the file is damaged or malformed. */
export function decodeContents(bytes: Uint8Array): SlotContents | undefined {
  const value = unseal(bytes);
  if (!isObject(value) || !Array.isArray(value["parts"])) return undefined;
  const { digest, runtime, agent } = value;
  if (typeof digest !== "string" || typeof runtime !== "string" || typeof agent !== "string") return undefined;
  const parts: PartEntry[] = [];
  for (const part of value["parts"] as unknown[]) {
    const entry = readPart(part);
    if (entry === undefined) return undefined;
    parts.push(entry);
  }
  if (![runtime, agent].every((path) => parts.some((part) => part.path === path))) return undefined;
  return { digest, runtime, agent, parts };
}

/** The contents named in a file; undefined where the file is missing or damaged. */
export async function readContents(disk: Disk, path: string): Promise<SlotContents | undefined> {
  const bytes = await disk.read(path, SLOT_CONTENTS_BYTES_MAX);
  return bytes && decodeContents(bytes);
}

/** A path that stays inside the slot and cannot meet the slot's own files, which begin with a dot. */
const PATH = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;

function readPart(value: unknown): PartEntry | undefined {
  if (!isObject(value)) return undefined;
  const { path, digest, lengthBytes, executable } = value;
  if (typeof path !== "string" || !PATH.test(path)) return undefined;
  if (typeof digest !== "string" || !/^[0-9a-f]{64}$/.test(digest)) return undefined;
  if (typeof lengthBytes !== "number" || !Number.isSafeInteger(lengthBytes) || lengthBytes < 0) return undefined;
  return { path, digest, lengthBytes, executable: executable === true };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
