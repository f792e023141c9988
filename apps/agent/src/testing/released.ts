/**
 * Agents and launchers that were released, as they are in the field: bundles by digest, listed in the `released.json` of a
 * folder.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";

/** One release. */
export interface Release {
  readonly version: string;
  /** The commit it is built from, 40 hexadecimal digits. */
  readonly commit: string;
  /** SHA-256 of `launcher.mjs`, 64 hexadecimal digits. */
  readonly launcher: string;
  /** SHA-256 of `agent.mjs`, 64 hexadecimal digits. */
  readonly agent: string;
  /** Whether it is the oldest that devices in the field may have been flashed with. */
  readonly oldest: boolean;
}

/** The two bundles of a release. */
export interface ReleasedBundles {
  readonly launcher: Buffer;
  readonly agent: Buffer;
}

const indexIn = (folder: string): string => join(folder, "released.json");
const bundleIn = (folder: string, version: string, name: string): string =>
  join(folder, "bundles", version, `${name}.mjs.br`);

/** Every release, the oldest first. */
export function readReleases(folder: string): readonly Release[] {
  return (JSON.parse(readFileSync(indexIn(folder), "utf8")) as { readonly releases: readonly Release[] }).releases;
}

/** Writes the list. */
export function writeReleases(folder: string, releases: readonly Release[]): void {
  writeFileSync(indexIn(folder), `${JSON.stringify({ releases }, undefined, 2)}\n`);
}

/** A release's bundles. Throws where they are not the ones that the list names. */
export function readBundles(folder: string, release: Release): ReleasedBundles {
  const read = (name: "launcher" | "agent"): Buffer => {
    const bytes = brotliDecompressSync(readFileSync(bundleIn(folder, release.version, name)));
    if (sha256(bytes) !== release[name])
      throw new Error(`${name} of ${release.version} is not the one that was released`);
    return bytes;
  };
  return { launcher: read("launcher"), agent: read("agent") };
}

/** Keeps a release's bundles. */
export function writeBundles(folder: string, version: string, bundles: ReleasedBundles): void {
  mkdirSync(dirname(bundleIn(folder, version, "agent")), { recursive: true });
  for (const name of ["launcher", "agent"] as const) {
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: bundles[name].length,
    };
    writeFileSync(bundleIn(folder, version, name), brotliCompressSync(bundles[name], { params }));
  }
}

/** 64 hexadecimal digits. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
