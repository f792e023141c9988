/**
 * What the coordinator carries for the owners of the network's keys: their metadata and their brakes, verified as a device
 * verifies them. It holds no key of theirs; by what they say it can only narrow. Immutable: each step makes another state,
 * and says what of it is to be stored.
 */
import { type Allowlist, type NetworkRoot, TufError, headIn } from "@moult/trust/tuf";
import {
  type BrakeStatement,
  type MetadataFile,
  type MetadataRole,
  StoreError,
  type StoreChange,
} from "../store/port.ts";
import { Brakes } from "./brakes.ts";
import { PublishedFiles } from "./published-files.ts";
import { type Walked, walk } from "./walk.ts";

/** A newest file, in words. */
export interface PublishedHead {
  readonly role: MetadataRole;
  readonly version: number;
  readonly expiresAtMs: number;
}

/** Everything that is carried. */
export interface Carried {
  readonly files: PublishedFiles;
  /** The newest file of each role that has one: root, targets, snapshot, timestamp. Worked out once, as lists are long. */
  readonly heads: readonly PublishedHead[];
  readonly root: NetworkRoot;
  /** Undefined before the first list. */
  readonly allowlist: Allowlist | undefined;
  /** From here on devices refuse to move, milliseconds since the epoch; undefined before the first list. */
  readonly staleFromMs: number | undefined;
  /** 0 before the first. */
  readonly timestampVersion: number;
  readonly brakes: Brakes;
}

/** What a start finds. */
export interface Found {
  /** The root of the configuration. */
  readonly rootFile: Uint8Array;
  readonly metadata: readonly MetadataFile[];
  readonly brakeStatements: readonly BrakeStatement[];
}

/**
 * Verifies all of it anew, from the oldest root to the list. The configured root must stand in the chain of roots that is
 * published, or be the next one of it. Throws StoreError UNTRUSTED.
 */
export async function openCarried(
  { rootFile, metadata, brakeStatements }: Found,
  now: number,
): Promise<{ readonly carried: Carried; readonly changes: readonly StoreChange[] }> {
  const configured: MetadataFile = { role: "root", version: headIn(rootFile).version, bytes: rootFile };
  const stored = new PublishedFiles(metadata);
  const published = stored.get("root", configured.version);
  if (published !== undefined && !sameBytes(published.bytes, rootFile)) {
    throw untrusted(`root_file is another root ${configured.version} than the one that is published`);
  }
  const { files, changes } = published === undefined ? stored.adding([configured]) : { files: stored, changes: [] };
  const [oldest] = files.roots();
  const newest = files.newest("root");
  const walked = await walk(
    { root: oldest?.bytes ?? rootFile, targets: new Map() },
    {
      fetch: async ({ role, version }) => {
        if (role !== "root" && role !== "targets" && role !== "snapshot" && role !== "timestamp") return undefined;
        return (version === undefined ? files.newest(role) : files.get(role, version))?.bytes;
      },
    },
  ).catch((error: unknown) => {
    if (error instanceof TufError) throw untrusted(`they do not verify: ${error.message}`, error);
    throw error;
  });
  if (newest !== undefined && walked.root.version !== newest.version) {
    const gap = `there is no root ${walked.root.version + 1} between the published ones and root_file`;
    throw untrusted(`${gap}: start with an older root_file and publish the roots in order`);
  }
  return { carried: carriedAfter(walked, files, Brakes.judge(brakeStatements, judgesOf(walked), now)), changes };
}

/** The state after a walk over verified files. */
export function carriedAfter(walked: Walked, files: PublishedFiles, brakes: Brakes): Carried {
  return {
    files,
    heads: headsOf(walked, files),
    root: walked.root,
    allowlist: walked.network?.allowlist,
    staleFromMs: walked.network?.staleFromMs,
    timestampVersion: files.newest("timestamp")?.version ?? 0,
    brakes,
  };
}

function headsOf({ root, network }: Walked, files: PublishedFiles): readonly PublishedHead[] {
  const first: PublishedHead = { role: "root", version: root.version, expiresAtMs: root.expiresMs };
  if (network === undefined) return [first];
  const { version, expiresMs } = network.allowlist;
  const small = (["snapshot", "timestamp"] as const).flatMap((role) => {
    const file = files.newest(role);
    return file === undefined ? [] : [{ role, version: file.version, expiresAtMs: headIn(file.bytes).expiresMs }];
  });
  return [first, { role: "targets", version, expiresAtMs: expiresMs }, ...small];
}

/** Whose brakes count after a walk. */
export function judgesOf(walked: Walked): { readonly root: NetworkRoot; readonly allowlist: Allowlist | undefined } {
  return { root: walked.root, allowlist: walked.network?.allowlist };
}

/** Whether two files are the same. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function untrusted(why: string, cause?: unknown): StoreError {
  return new StoreError("UNTRUSTED", `the metadata in the store cannot be used: ${why}`, { cause });
}
