/**
 * Makes what lets a build's parts travel in fewer bytes, into the build's folder: `packed/{digest}` for a part by itself,
 * `deltas/{old}-{new}` for a part that an earlier build has in another form at the same path. None of it is signed:
 * devices verify what comes of it as they verify a part.
 */
import { mkdir, readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { makeDelta } from "@moult/delta";
import type { ManifestPart } from "@moult/trust";
import { usageError } from "../errors.ts";
import { exists, replaceFile } from "../files.ts";
import type { Progress } from "../output/progress.ts";
import { buildPaths, distinctParts } from "./build-dir.ts";
import type { UnverifiedBuild } from "./build-dir.ts";
import { verifyPart } from "./verify-build.ts";

/** One delta, or one packed part. */
export interface DeltaFile {
  /** Path of the part in a slot. */
  readonly part: string;
  /** Version it starts from; undefined for a part that is packed by itself. */
  readonly fromVersion: string | undefined;
  /** `packed/{digest}` or `deltas/{old}-{new}`: under the build's folder, and behind `/v1/` of an endpoint. */
  readonly name: string;
  /** Length of the part. */
  readonly partBytes: number;
  /** Length of the file; undefined where it would not be shorter than the part and so was not made. */
  readonly lengthBytes: number | undefined;
}

/** What is made. */
export interface DeltaOptions {
  /** Builds that devices run now. */
  readonly from: readonly UnverifiedBuild[];
  /** Parts longer than this are not packed by themselves. */
  readonly packBytesMax?: number;
  readonly onProgress: (progress: Progress) => void;
}

/** Makes what is missing; what is there is left as it is. Throws CliError USAGE, or VERIFICATION for an altered part. */
export async function makeDeltas(to: UnverifiedBuild, options: DeltaOptions): Promise<readonly DeltaFile[]> {
  const { from, packBytesMax = Number.POSITIVE_INFINITY, onProgress } = options;
  for (const build of from) checkSamePlatform(build, to);
  const made: DeltaFile[] = [];
  for (const part of distinctParts(to.manifest)) {
    if (part.length_bytes <= packBytesMax) made.push(await makeOne(to, part, undefined, onProgress));
    const done = new Set<string>();
    for (const build of from) {
      const old = build.manifest.parts.find(({ path }) => path === part.path);
      if (old === undefined || old.digest === part.digest || done.has(old.digest)) continue;
      done.add(old.digest);
      made.push(await makeOne(to, part, { build, part: old }, onProgress));
    }
  }
  return made;
}

/** Names of what lies in the build's folder for the parts of this build. */
export async function deltasIn({
  dir,
  manifest,
}: UnverifiedBuild): Promise<readonly { name: string; lengthBytes: number }[]> {
  const digests = new Set(manifest.parts.map(({ digest }) => digest));
  const found: { name: string; lengthBytes: number }[] = [];
  for (const kind of ["packed", "deltas"]) {
    const folder = join(dir, kind);
    for (const file of exists(folder) ? (await readdir(folder)).toSorted() : []) {
      if (!/^([0-9a-f]{64}-)?[0-9a-f]{64}$/.test(file) || !digests.has(file.slice(-64))) continue;
      found.push({ name: `${kind}/${file}`, lengthBytes: (await stat(join(folder, file))).size });
    }
  }
  return found;
}

interface Old {
  readonly build: UnverifiedBuild;
  readonly part: ManifestPart;
}

async function makeOne(
  to: UnverifiedBuild,
  part: ManifestPart,
  old: Old | undefined,
  onProgress: (progress: Progress) => void,
): Promise<DeltaFile> {
  const { digest, path, length_bytes: partBytes } = part;
  const name = old === undefined ? `packed/${digest}` : `deltas/${old.part.digest}-${digest}`;
  const file = join(to.dir, name);
  const facts = { part: path, fromVersion: old?.build.manifest.version, name, partBytes };
  if (exists(file)) return { ...facts, lengthBytes: (await stat(file)).size };
  const bytes = await readVerified(to, part);
  const from = old && { digest: old.part.digest, bytes: await readVerified(old.build, old.part) };
  let doneBytes = 0;
  const made = await makeDelta({ digest, bytes }, from, (count) => {
    doneBytes += count;
    onProgress({ what: path, doneBytes, totalBytes: partBytes });
  });
  if (made === undefined) return { ...facts, lengthBytes: undefined };
  await mkdir(join(file, ".."), { recursive: true });
  replaceFile(file, Buffer.concat(made.pieces));
  return { ...facts, lengthBytes: made.deltaBytes };
}

async function readVerified({ dir }: UnverifiedBuild, part: ManifestPart): Promise<Uint8Array> {
  await verifyPart(dir, part, () => {});
  return readFile(buildPaths(dir).part(part.digest));
}

function checkSamePlatform(from: UnverifiedBuild, to: UnverifiedBuild): void {
  for (const key of ["os", "arch"] as const) {
    if (from.manifest.platform[key] === to.manifest.platform[key]) continue;
    throw usageError(`${from.dir} and ${to.dir} are builds for different platforms.`);
  }
}
