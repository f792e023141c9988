/** Releases and builds as the gates know them. Times are milliseconds since the epoch. */

/** SHA-256 of a build manifest, 64 lowercase hexadecimal digits. */
export type Digest = string;

/** What a node runs on, in Node.js's words: `linux`, `x64`. */
export interface Platform {
  readonly os: string;
  readonly arch: string;
}

/** What one platform runs. */
export interface Build {
  readonly digest: Digest;
  readonly platform: Platform;
  readonly manifestBytes: number;
  /** Versions from which it can be reached; empty for any. */
  readonly fromVersions: readonly string[];
  readonly parts: readonly BuildPart[];
  readonly signedBy: readonly string[];
}

/** One file of a build. */
export interface BuildPart {
  readonly path: string;
  readonly digest: Digest;
  readonly lengthBytes: number;
}

/** A version of the fleet's software. The counter alone decides what is newer. */
export interface Release {
  readonly version: string;
  readonly releaseCounter: number;
  readonly builds: readonly Build[];
  readonly recalled: boolean;
  readonly createdAtMs: number;
  /** Seed of the share's positions, 32 random bytes in hexadecimal. Per release, so that the same nodes are not always first. */
  readonly seed: string;
}

/** Whether two platforms are the same. */
export function samePlatform(a: Platform, b: Platform): boolean {
  return a.os === b.os && a.arch === b.arch;
}
