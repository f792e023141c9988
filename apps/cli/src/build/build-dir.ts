/** A build's folder: `manifest.json`, `parts/{digest}`, and `signed.json` once somebody signed. */
import { join } from "node:path";
import {
  type BuildManifest,
  ENVELOPE_BYTES_MAX,
  MANIFEST_BYTES_MAX,
  type ManifestPart,
  formatEnvelope,
  parseEnvelope,
  parseManifest,
} from "@moult/trust";
import { CliError, usageError } from "../errors.ts";
import { exists, readBounded } from "../files.ts";

/** Paths in the folder. */
export interface BuildPaths {
  readonly manifest: string;
  readonly signed: string;
  readonly parts: string;
  readonly part: (digest: string) => string;
}

/** The paths in `dir`. */
export function buildPaths(dir: string): BuildPaths {
  const parts = join(dir, "parts");
  return {
    manifest: join(dir, "manifest.json"),
    signed: join(dir, "signed.json"),
    parts,
    part: (digest) => join(parts, digest),
  };
}

/** The manifest's bytes. */
export function readManifest(dir: string): Uint8Array {
  const path = buildPaths(dir).manifest;
  if (!exists(path)) throw usageError(`${dir} holds no build.`, "Make one with: moult release build --out DIR …");
  return readBounded(path, MANIFEST_BYTES_MAX);
}

/** The envelope's bytes; undefined where nobody has signed. Throws where it is about another manifest. */
export function readSigned(dir: string): Uint8Array | undefined {
  const path = buildPaths(dir).signed;
  if (!exists(path)) return undefined;
  const envelope = readBounded(path, ENVELOPE_BYTES_MAX);
  checkSameManifest(path, envelope, readManifest(dir));
  return envelope;
}

/** A build as it lies in its folder. Nothing of it is verified but that its manifest keeps the rules. */
export interface UnverifiedBuild {
  readonly dir: string;
  readonly manifest: BuildManifest;
}

/** The same, and the envelope by which its manifest travels. */
export interface UnverifiedBuildToSend extends UnverifiedBuild {
  readonly envelope: Uint8Array;
}

/** Reads a build, whether anybody signed it or not. */
export function readUnsignedBuild(dir: string): UnverifiedBuild {
  return { dir, manifest: parseManifest(readManifest(dir)) };
}

/**
 * Reads a build to be sent. Manifests travel in an envelope whose signatures nobody counts any more: that of the folder,
 * where a device of 0.1 has to be convinced, or one without signatures.
 */
export function readBuildToSend(dir: string): UnverifiedBuildToSend {
  const manifest = readManifest(dir);
  const envelope = readSigned(dir) ?? formatEnvelope({ unverifiedPayload: manifest, signatures: [] });
  return { dir, envelope, manifest: parseManifest(manifest) };
}

/** Throws CliError VERIFICATION where the envelope at `path` carries other bytes. */
export function checkSameManifest(path: string, envelope: Uint8Array, manifest: Uint8Array): void {
  if (Buffer.compare(parseEnvelope(envelope).unverifiedPayload, manifest) === 0) return;
  throw new CliError("VERIFICATION", `${path} is a signature on another build than the folder's manifest.json.`, {
    advice: ["Sign the manifest that is there, or bring back the one that was signed."],
  });
}

/** Each part once, also where several paths have the same bytes. */
export function distinctParts(manifest: BuildManifest): readonly ManifestPart[] {
  return [...new Map(manifest.parts.map((part) => [part.digest, part])).values()];
}
