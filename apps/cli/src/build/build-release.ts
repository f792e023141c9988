/** Makes a build's folder from files: parts under their digests first, the manifest last, so that a folder with a manifest is whole. */
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type BuildManifest, ManifestError, digestOf, parseManifest } from "@moult/trust";
import { usageError } from "../errors.ts";
import { exists, replaceFile } from "../files.ts";
import type { Progress } from "../output/progress.ts";
import { buildPaths } from "./build-dir.ts";
import { type BuildInput, type PartContent, checkInput, manifestBytes } from "./input.ts";
import { copyPart, fileLength, linkPart } from "./part-file.ts";

/** How a build is made. */
export interface BuildOptions {
  /** The folder; must not hold a build yet. */
  readonly out: string;
  /** Link files instead of copying them: at once and without taking space, but then they must never change again. */
  readonly link?: boolean;
  readonly onProgress?: (progress: Progress) => void;
}

/** What was made. */
export interface MadeBuild {
  readonly dir: string;
  /** The build's digest. */
  readonly digest: string;
  readonly manifest: BuildManifest;
}

/** Names of files that are not whole yet; swept at the next start. */
const TEMPORARY_PREFIX = "incoming-";

/** Makes the build. Throws CliError USAGE for input that breaks a rule, and system errors of files. */
export async function buildRelease(input: BuildInput, options: BuildOptions): Promise<MadeBuild> {
  const paths = buildPaths(options.out);
  if (exists(paths.manifest)) {
    throw usageError(`${options.out} holds a build already.`, "A build is never changed. Choose another folder.");
  }
  refuseBrokenRules(() => checkInput(input));
  const lengths = new Map<string, number>();
  for (const { file } of input.parts) lengths.set(file, await fileLength(file));

  await mkdir(paths.parts, { recursive: true });
  await sweep(paths.parts);
  const contents = new Map<string, PartContent>();
  for (const [index, part] of input.parts.entries()) {
    let doneBytes = 0;
    const onBytes = (count: number): void => {
      doneBytes += count;
      options.onProgress?.({ what: part.path, doneBytes, totalBytes: lengths.get(part.file) ?? 0 });
    };
    const take = options.link === true ? linkPart : copyPart;
    contents.set(part.path, await take(part.file, paths.parts, `${TEMPORARY_PREFIX}${index}`, onBytes));
  }

  const bytes = refuseBrokenRules(() =>
    manifestBytes(input, (part) => contents.get(part.path) ?? { digest: "", lengthBytes: 0 }),
  );
  replaceFile(paths.manifest, bytes);
  return { dir: options.out, digest: digestOf(bytes), manifest: parseManifest(bytes) };
}

async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.startsWith(TEMPORARY_PREFIX)) await rm(join(folder, name), { force: true });
  }
}

/** Whoever builds has chosen the values, so a broken rule is wrong usage here and no failed verification. */
function refuseBrokenRules<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    throw usageError(error.message, "See what each option takes: moult release build --help");
  }
}
