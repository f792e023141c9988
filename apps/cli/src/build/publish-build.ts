/** Brings a release's parts to the artifact endpoint: those that are missing there, each once, checked before they go. */
import type { ArtifactEndpoint } from "../connection/artifacts.ts";
import { patiently } from "../connection/patience.ts";
import { usageError } from "../errors.ts";
import type { Progress } from "../output/progress.ts";
import { type UnverifiedBuild, buildPaths, distinctParts } from "./build-dir.ts";
import { verifyPart } from "./verify-build.ts";

/** What became of one part. */
export interface UploadedPart {
  readonly path: string;
  readonly digest: string;
  readonly lengthBytes: number;
  /** False where the endpoint had it already. */
  readonly uploaded: boolean;
}

/** Throws CliError USAGE where the folders are not the builds of one release. */
export function checkOneRelease(builds: readonly UnverifiedBuild[]): void {
  const [first, ...others] = builds;
  if (first === undefined) throw usageError("Which builds?", "Name the folder of each platform's build.");
  const platforms = new Set([platformOf(first)]);
  for (const build of others) {
    for (const key of ["network", "version", "release_counter"] as const) {
      if (build.manifest[key] === first.manifest[key]) continue;
      throw usageError(
        `${build.dir} has the ${key} ${build.manifest[key]}, and ${first.dir} has ${first.manifest[key]}.`,
        "A release is one version with one counter: publish each release by itself.",
      );
    }
    const platform = platformOf(build);
    if (platforms.has(platform)) throw usageError(`${build.dir} is a second build for ${platform}.`);
    platforms.add(platform);
  }
}

/** Uploads what the endpoint does not have. Repeating it uploads nothing twice. */
export async function uploadParts(
  builds: readonly UnverifiedBuild[],
  endpoint: ArtifactEndpoint,
  onProgress: (progress: Progress) => void,
): Promise<readonly UploadedPart[]> {
  const done = new Map<string, UploadedPart>();
  for (const { dir, manifest } of builds) {
    for (const part of distinctParts(manifest)) {
      if (done.has(part.digest)) continue;
      const { path, digest, length_bytes: lengthBytes } = part;
      const uploaded = !(await patiently(() => endpoint.has(digest)));
      if (uploaded) {
        await verifyPart(dir, part, () => {});
        await patiently(async () => {
          let doneBytes = 0;
          await endpoint.put({ digest, lengthBytes, path: buildPaths(dir).part(digest) }, (count) => {
            doneBytes += count;
            onProgress({ what: path, doneBytes, totalBytes: lengthBytes });
          });
        });
      }
      done.set(digest, { path, digest, lengthBytes, uploaded });
    }
  }
  return [...done.values()];
}

function platformOf(build: UnverifiedBuild): string {
  return `${build.manifest.platform.os}-${build.manifest.platform.arch}`;
}
