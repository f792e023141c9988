/** The build manifest's form as types: what one platform runs, as a list of parts by digest. Holds no code but constants. */

/** What a manifest says it is. */
export const MANIFEST_SCHEMA = "moult/build/v1";

/** The largest manifest, in bytes: room for all parts it may name, and small enough to be held in memory. */
export const MANIFEST_BYTES_MAX = 1_048_576;

/** The executables that a hooks folder holds, all of them. */
export const HOOK_NAMES = ["situation", "drain", "restore", "start", "stop"] as const;

/** One file of a build. */
export interface ManifestPart {
  /** Where it stands in a slot: `/`-separated, relative, at most 200 characters. */
  readonly path: string;
  /** SHA-256 of its bytes, 64 lowercase hexadecimal digits. */
  readonly digest: string;
  /** 0 to 4,294,967,296. */
  readonly length_bytes: number;
  readonly executable: boolean;
}

/** How a build on trial proves itself. */
export interface TrialRule {
  /** The workload must serve within this time after its start; 1 to 3,600,000. */
  readonly health_timeout_ms: number;
  /** It must then stay healthy for this long; 0 to 3,600,000. */
  readonly soak_ms: number;
}

/** What the box exists for. */
export type ManifestWorkload =
  /** A program that serves WorkService. `{slot}` in a word stands for the slot's folder. */
  | ({ readonly kind: "work-service"; readonly command: readonly string[] } & TrialRule)
  /** Executables in a folder of the slot, one for each of `HOOK_NAMES`. */
  | ({ readonly kind: "hooks"; readonly hooks_dir: string } & TrialRule)
  | ({ readonly kind: "none" } & TrialRule);

/** What one platform runs. Keys are named as in the document. */
export interface BuildManifest {
  readonly schema: typeof MANIFEST_SCHEMA;
  /** The network the build is for; a device of another network refuses it. */
  readonly network: string;
  readonly version: string;
  /** 1 or more; rises with each release. */
  readonly release_counter: number;
  readonly platform: { readonly os: string; readonly arch: string };
  /** Versions from which it can be reached; empty for any. */
  readonly from_versions: readonly string[];
  /** Path of the part that runs the agent. */
  readonly runtime: string;
  /** Path of the agent's part. */
  readonly agent: string;
  readonly workload: ManifestWorkload;
  /** 1 to 4,096. */
  readonly parts: readonly ManifestPart[];
  /** When it was built, in seconds since 1970. Signed with the rest, it lifts the time floor of devices; may be absent. */
  readonly built_at_s?: number;
}
