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
  /** Whether the council's list names it, as a build of its release. Devices refuse one that is not listed. */
  readonly listed: boolean;
  /** Who may move to it when, at most, by the council's word; absent: everybody at once. */
  readonly cohort?: Cohort;
  /** Digest of the build to go back to; absent for a first release. */
  readonly rollback?: Digest;
}

/** From this moment on, this share of the fleet. */
export interface CohortStep {
  readonly notBeforeMs: number;
  /** Parts per million; 0 to 1,000,000. */
  readonly sharePpm: number;
}

/** Who may move when, at most: the council signs it, and devices hold themselves to it. */
export interface Cohort {
  /** Seed of the positions, 64 hexadecimal digits. */
  readonly seed: string;
  /** 1 or more; later ones are later, and never smaller. */
  readonly steps: readonly CohortStep[];
}

/** One file of a build. */
export interface BuildPart {
  readonly path: string;
  readonly digest: Digest;
  readonly lengthBytes: number;
}

/** A version of the fleet's software. The counter alone decides what is newer; it is the one of the council's list. */
export interface Release {
  readonly version: string;
  readonly releaseCounter: number;
  readonly builds: readonly Build[];
  /** Recalled by an operator, for good. A build that the council recalls is not `listed`. */
  readonly recalled: boolean;
  readonly createdAtMs: number;
  /** Seed of the share's positions, 32 random bytes in hexadecimal. Per release, so that the same nodes are not always first. */
  readonly seed: string;
}

/** What the council's list says of a build. */
export interface ListedBuild {
  readonly version: string;
  readonly releaseCounter: number;
  readonly fromVersions: readonly string[];
  readonly cohort?: Cohort | undefined;
  readonly rollback?: Digest | undefined;
}

/**
 * A release as the list has it. Its counter is the highest that the list gives one of its builds; a build that the list
 * does not name, or names under another version or counter, is not offered with this release.
 */
export function withList(release: Release, list: ReadonlyMap<Digest, ListedBuild>): Release {
  const entries = release.builds.map(({ digest }) => {
    const entry = list.get(digest);
    return entry?.version === release.version ? entry : undefined;
  });
  const counters = entries.flatMap((entry) => entry?.releaseCounter ?? []);
  const releaseCounter = counters.length === 0 ? release.releaseCounter : Math.max(...counters);
  const builds = release.builds.map((build, n): Build => {
    const { digest, platform, manifestBytes, parts } = build;
    const entry = entries[n];
    if (entry === undefined || entry.releaseCounter !== releaseCounter) return { ...build, listed: false };
    const { fromVersions, cohort, rollback } = entry;
    return {
      digest,
      platform,
      manifestBytes,
      fromVersions,
      parts,
      listed: true,
      ...(cohort === undefined ? {} : { cohort }),
      ...(rollback === undefined ? {} : { rollback }),
    };
  });
  return { ...release, releaseCounter, builds };
}

/** Whether two platforms are the same. */
export function samePlatform(a: Platform, b: Platform): boolean {
  return a.os === b.os && a.arch === b.arch;
}
