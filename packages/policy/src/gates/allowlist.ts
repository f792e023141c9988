/**
 * Gate 1. Is this exact build approved for this platform and from this version? It knows releases and what the node
 * runs, and nothing of the dial or of load. The device checks the council's list by itself; this gate only narrows.
 */
import { type Build, type Digest, type Platform, type Release, samePlatform } from "../domain/release.ts";
import { pass, refuse } from "../domain/said.ts";
import type { GateResult } from "../domain/verdict.ts";

/** What gate 1 looks at. */
export interface AllowlistInput {
  readonly release: Release;
  readonly platform: Platform;
  readonly runningVersion: string;
  readonly runningReleaseCounter: number;
  /** Digests the node tried and reverted. */
  readonly deniedDigests: readonly Digest[];
}

/** Judges one release for one node. */
export function allowlistGate(input: AllowlistInput): GateResult {
  const { release, platform } = input;
  if (release.releaseCounter <= input.runningReleaseCounter) return upToDate(release.version);
  if (release.recalled) return refuse("ALLOWLIST", "RECALLED", () => `release ${release.version} was recalled`);
  const build = buildFor(release, platform);
  if (build === undefined) {
    return refuse(
      "ALLOWLIST",
      "PLATFORM_MISSING",
      () => `release ${release.version} has no build for ${platform.os}-${platform.arch}`,
    );
  }
  if (!build.listed) {
    return refuse(
      "ALLOWLIST",
      "NOT_LISTED",
      () => `build ${build.digest.slice(0, 12)} of ${release.version} is not on the council's list`,
    );
  }
  if (build.fromVersions.length > 0 && !build.fromVersions.includes(input.runningVersion)) {
    return refuse(
      "ALLOWLIST",
      "FROM_VERSION",
      () =>
        `release ${release.version} can be reached from ${build.fromVersions.join(", ")}, not from ${input.runningVersion}`,
    );
  }
  if (input.deniedDigests.includes(build.digest)) {
    return refuse(
      "ALLOWLIST",
      "DENIED_BY_NODE",
      () => `the node tried build ${build.digest.slice(0, 12)} of ${release.version} and reverted`,
    );
  }
  return pass("ALLOWLIST", () => `build ${build.digest.slice(0, 12)} of ${release.version} is listed`);
}

/** The answer where nothing is newer. */
export function upToDate(version: string): GateResult {
  return refuse("ALLOWLIST", "UP_TO_DATE", () => `no release is newer than ${version}`);
}

/** The build of a release for a platform. */
export function buildFor(release: Release, platform: Platform): Build | undefined {
  return release.builds.find((build) => samePlatform(build.platform, platform));
}
