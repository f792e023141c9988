/** The allowlist in the making: a proposal is the next version of it, and a council member votes by signing it. */
import { type AllowedBuild, type Allowlist, readAllowlist } from "../form/allowlist.ts";
import { formatTime } from "../form/reader.ts";
import type { Json } from "../form/strict-json.ts";
import { SPEC_VERSION, readFile, unsignedFile } from "./file.ts";

/** What changes from one list to the next. */
export interface AllowlistChange {
  /** Milliseconds since 1970. */
  readonly expiresMs: number;
  /** Builds that are added; one with a digest that is listed takes its place (a retreat: old bytes, new counter). */
  readonly add?: readonly AllowedBuild[];
  /** Digests that are recalled. */
  readonly recall?: readonly string[];
  /** Digests of brake statements to lift, in place of those of the list before. */
  readonly liftedBrakes?: readonly string[];
}

/** The first list of a network, unsigned. Throws TufError where a device would refuse it. */
export function initAllowlist(network: string, change: AllowlistChange): Uint8Array {
  return allowlistFile({ network, version: 0, expiresMs: 0, builds: new Map(), liftedBrakes: [] }, change);
}

/** The list that follows `current`, unsigned. Throws TufError where a device would refuse it. */
export function nextAllowlist(current: Uint8Array, change: AllowlistChange): Uint8Array {
  return allowlistFile(readAllowlist(readFile(current, "targets")), change);
}

function allowlistFile(before: Allowlist, change: AllowlistChange): Uint8Array {
  const builds = new Map(before.builds);
  for (const digest of change.recall ?? []) builds.delete(digest);
  for (const build of change.add ?? []) builds.set(build.digest, build);
  const lifted = (change.liftedBrakes ?? before.liftedBrakes).toSorted();
  return unsignedFile({
    _type: "targets",
    spec_version: SPEC_VERSION,
    version: before.version + 1,
    expires: formatTime(change.expiresMs),
    targets: Object.fromEntries([...builds.values()].map((build) => [build.digest, target(build)])),
    moult: { network: before.network, ...(lifted.length === 0 ? {} : { lifted_brakes: lifted }) },
  });
}

function target(build: AllowedBuild): Json {
  const { cohort, rollback, proposal } = build;
  return {
    length: build.lengthBytes,
    hashes: { sha256: build.digest },
    custom: {
      platform: { os: build.platform.os, arch: build.platform.arch },
      version: build.version,
      release_counter: build.releaseCounter,
      from_versions: build.fromVersions,
      flags: Object.fromEntries(build.flags),
      ...(cohort === undefined
        ? {}
        : {
            cohort: {
              seed: cohort.seed,
              steps: cohort.steps.map((s) => ({ not_before: formatTime(s.notBeforeMs), share_ppm: s.sharePpm })),
            },
          }),
      ...(rollback === undefined ? {} : { rollback }),
      ...(proposal === undefined ? {} : { proposal }),
    },
  };
}
