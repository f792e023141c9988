/**
 * Reads what a vendor flashes from a build's folder: `manifest.json`, and `signed.json` where devices of before 0.2 are to go
 * by its signatures. What is flashed is the vendor's word, given on the bench; the allowlist is for what comes later.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type BuildManifest, digestOf, formatEnvelope, parseEnvelope, parseManifest } from "@moult/trust";

/** A build to flash. */
export interface FlashedBuild {
  readonly manifest: BuildManifest;
  readonly bytes: Uint8Array;
  readonly digest: string;
  /** The manifest in an envelope, as slots keep it. */
  readonly signed: Uint8Array;
}

/** Throws TrustError for an envelope that is none, ManifestError for a manifest that breaks a rule. */
export async function readBuildDir(buildDir: string): Promise<FlashedBuild> {
  const signed = (await readIfThere(join(buildDir, "signed.json"))) ?? (await wrap(join(buildDir, "manifest.json")));
  const { unverifiedPayload: bytes } = parseEnvelope(signed);
  return { manifest: parseManifest(bytes), bytes, digest: digestOf(bytes), signed };
}

async function wrap(file: string): Promise<Uint8Array> {
  return formatEnvelope({ unverifiedPayload: await readFile(file), signatures: [] });
}

async function readIfThere(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
