/** A build's entry for the allowlist, from its manifest. What only the council can say is the caller's to add. */
import { parseManifest } from "../../manifest.ts";
import { digestOf } from "../../digest.ts";
import type { AllowedBuild } from "../form/allowlist.ts";

/** What the council says of a build beside what stands in its manifest. */
export type CouncilWord = Partial<
  Pick<AllowedBuild, "releaseCounter" | "fromVersions" | "flags" | "cohort" | "rollback" | "proposal">
>;

/** The entry of the build with this manifest. Throws ManifestError for a manifest that breaks a rule. */
export function allowedBuildOf(manifestBytes: Uint8Array, word: CouncilWord = {}): AllowedBuild {
  const manifest = parseManifest(manifestBytes);
  return {
    digest: digestOf(manifestBytes),
    lengthBytes: manifestBytes.length,
    platform: manifest.platform,
    version: manifest.version,
    releaseCounter: manifest.release_counter,
    fromVersions: manifest.from_versions,
    flags: new Map(),
    ...word,
  };
}
