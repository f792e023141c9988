/** Checks a build's folder as a device would: each part against its digest and length. */
import type { ManifestPart } from "@moult/trust";
import { CliError } from "../errors.ts";
import { exists } from "../files.ts";
import type { Progress } from "../output/progress.ts";
import { buildPaths, distinctParts, readUnsignedBuild } from "./build-dir.ts";
import { readPart } from "./part-file.ts";

/** Verifies every part of a folder. Throws CliError VERIFICATION. */
export async function verifyParts(dir: string, onProgress: (progress: Progress) => void): Promise<void> {
  const { manifest } = readUnsignedBuild(dir);
  for (const part of distinctParts(manifest)) await verifyPart(dir, part, onProgress);
}

/** Throws CliError VERIFICATION where the folder's part is missing or is not what the manifest says. */
export async function verifyPart(
  dir: string,
  part: ManifestPart,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  const path = buildPaths(dir).part(part.digest);
  if (!exists(path)) throw wrong(part, "is missing from the folder");
  let doneBytes = 0;
  const content = await readPart(path, (count) => {
    doneBytes += count;
    onProgress({ what: part.path, doneBytes, totalBytes: part.length_bytes });
  });
  if (content.lengthBytes !== part.length_bytes) {
    throw wrong(part, `has ${content.lengthBytes} bytes instead of ${part.length_bytes}`);
  }
  if (content.digest !== part.digest) throw wrong(part, "was altered");
}

function wrong(part: ManifestPart, what: string): CliError {
  return new CliError("VERIFICATION", `The part ${part.path} ${what}.`, {
    advice: [`It must have the digest ${part.digest}. Build the release anew.`],
  });
}
