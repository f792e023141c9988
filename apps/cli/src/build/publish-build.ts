/**
 * Brings a release's parts, and what makes them shorter on their way, to the artifact endpoint: what is missing there,
 * each once; parts are checked before they go.
 */
import { join } from "node:path";
import type { ArtifactEndpoint } from "../connection/artifacts.ts";
import { patiently } from "../connection/patience.ts";
import { usageError } from "../errors.ts";
import type { Progress } from "../output/progress.ts";
import { type UnverifiedBuild, buildPaths, distinctParts } from "./build-dir.ts";
import { deltasIn } from "./deltas.ts";
import { verifyPart } from "./verify-build.ts";

/** What became of one part. */
export interface UploadedPart {
  readonly path: string;
  readonly digest: string;
  readonly lengthBytes: number;
  /** False where the endpoint had it already. */
  readonly uploaded: boolean;
}

/** What became of one delta or packed part. */
export interface UploadedDelta {
  readonly name: string;
  readonly lengthBytes: number;
  /** False where the endpoint had it already. */
  readonly uploaded: boolean;
}

/** So much of a delta's name is shown while it is uploaded, in characters. */
const SHOWN_LENGTH = 20;

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
      const uploaded = !(await patiently(() => endpoint.has(`parts/${digest}`)));
      if (uploaded) {
        await verifyPart(dir, part, () => {});
        await patiently(async () => {
          let doneBytes = 0;
          const file = { name: `parts/${digest}`, lengthBytes, path: buildPaths(dir).part(digest) };
          await endpoint.put(file, (count) => {
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

/** Uploads the deltas and packed parts in the builds' folders that the endpoint does not have. After the parts. */
export async function uploadDeltas(
  builds: readonly UnverifiedBuild[],
  endpoint: ArtifactEndpoint,
  onProgress: (progress: Progress) => void,
): Promise<readonly UploadedDelta[]> {
  const done = new Map<string, UploadedDelta>();
  for (const build of builds) {
    for (const { name, lengthBytes } of await deltasIn(build)) {
      if (done.has(name)) continue;
      const uploaded = !(await patiently(() => endpoint.has(name)));
      if (uploaded) {
        await patiently(async () => {
          let doneBytes = 0;
          await endpoint.put({ name, lengthBytes, path: join(build.dir, name) }, (count) => {
            doneBytes += count;
            onProgress({ what: name.slice(0, SHOWN_LENGTH), doneBytes, totalBytes: lengthBytes });
          });
        });
      }
      done.set(name, { name, lengthBytes, uploaded });
    }
  }
  return [...done.values()];
}

function platformOf(build: UnverifiedBuild): string {
  return `${build.manifest.platform.os}-${build.manifest.platform.arch}`;
}
