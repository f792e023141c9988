/** Releases between manifests, the council's list, the contract and the core. */
import { status } from "@grpc/grpc-js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { RpcError, formatName } from "@moult/contracts";
import { ErrorReason, type ReleaseSchema } from "@moult/contracts/v1";
import { type Build, type Release, withList } from "@moult/policy";
import { type BuildManifest, ManifestError, TrustError, digestOf, parseEnvelope, parseManifest } from "@moult/trust";
import type { AllowedBuild } from "@moult/trust/tuf";
import { writeTime } from "./time.ts";

const MANIFESTS_MAX = 16;

/** A release whose builds are all listed, and the envelopes that its manifests came in. */
export interface WantedRelease {
  readonly release: Release;
  readonly envelopes: ReadonlyMap<string, Uint8Array>;
  /** Every part of every build, each digest once. */
  readonly parts: ReadonlyMap<string, number>;
}

/** What a new release gets beside its manifests. */
export interface ReleaseFacts {
  readonly network: string;
  /** The council's list, by digest. */
  readonly list: ReadonlyMap<string, AllowedBuild>;
  readonly seed: string;
  readonly now: number;
}

/** A manifest that the list names. */
interface ListedManifest {
  readonly bytes: Uint8Array;
  readonly manifest: BuildManifest;
  readonly entry: AllowedBuild;
}

/**
 * Reads the manifests of a release: each must be listed, and all must belong together. Version, counter and from-versions are
 * the list's. Signatures in the envelopes are not looked at: they are for devices of before 0.2. Throws RpcError.
 */
export function readRelease(envelopes: readonly Uint8Array[], facts: ReleaseFacts): WantedRelease {
  if (envelopes.length === 0 || envelopes.length > MANIFESTS_MAX) {
    throw invalid("signed_manifests", `a release has 1 to ${MANIFESTS_MAX} manifests`);
  }
  const listed = envelopes.map((envelope, n) => readListed(envelope, facts.list, `signed_manifests[${n}]`));
  const [first] = listed;
  if (first === undefined) throw invalid("signed_manifests", "at least one");
  const { version, releaseCounter } = first.entry;
  const platforms = new Set<string>();
  for (const [n, { manifest, entry }] of listed.entries()) {
    const at = `signed_manifests[${n}]`;
    const platform = `${entry.platform.os}-${entry.platform.arch}`;
    if (manifest.network !== facts.network)
      throw invalid(at, `is for network ${manifest.network}, not ${facts.network}`);
    if (entry.version !== version || entry.releaseCounter !== releaseCounter) {
      throw invalid(at, `is ${entry.version} (${entry.releaseCounter}), not ${version} (${releaseCounter})`);
    }
    if (platforms.has(platform)) throw invalid(at, `is a second build for ${platform}`);
    platforms.add(platform);
  }
  const release: Release = {
    version,
    releaseCounter,
    builds: listed.map(buildOf),
    recalled: false,
    createdAtMs: facts.now,
    seed: facts.seed,
  };
  return {
    release: withList(release, facts.list),
    envelopes: new Map(listed.map(({ entry }, n) => [entry.digest, envelopes[n] ?? new Uint8Array()])),
    parts: new Map(listed.flatMap(({ manifest }) => manifest.parts.map((p) => [p.digest, p.length_bytes] as const))),
  };
}

/** Writes a release. */
export function writeRelease(release: Release): MessageInitShape<typeof ReleaseSchema> {
  return {
    name: formatName("releases", release.version),
    version: release.version,
    releaseCounter: BigInt(release.releaseCounter),
    // By an operator, or by the council with every build.
    recalled: release.recalled || !release.builds.some((build) => build.listed),
    createTime: writeTime(release.createdAtMs),
    builds: release.builds.map((build) => ({
      digest: build.digest,
      platform: { ...build.platform },
      manifestBytes: build.manifestBytes,
      fromVersions: [...build.fromVersions],
      listed: build.listed,
      parts: build.parts.map((p) => ({ path: p.path, digest: p.digest, lengthBytes: BigInt(p.lengthBytes) })),
    })),
  };
}

function buildOf({ bytes, manifest, entry }: ListedManifest): Build {
  return {
    digest: entry.digest,
    platform: entry.platform,
    manifestBytes: bytes.length,
    fromVersions: entry.fromVersions,
    parts: manifest.parts.map((p) => ({ path: p.path, digest: p.digest, lengthBytes: p.length_bytes })),
    listed: true,
  };
}

/** The manifest in an envelope. It is parsed once the list has named its digest. */
function readListed(envelope: Uint8Array, list: ReadonlyMap<string, AllowedBuild>, at: string): ListedManifest {
  const bytes = read(at, () => parseEnvelope(envelope).unverifiedPayload);
  const digest = digestOf(bytes);
  const entry = list.get(digest);
  if (entry === undefined) {
    const message = `${at}: the published allowlist does not name build ${digest}; have the council allow it, and publish the list`;
    throw new RpcError(status.FAILED_PRECONDITION, ErrorReason.BUILD_NOT_LISTED, message);
  }
  const manifest = read(at, () => parseManifest(bytes));
  const { os, arch } = manifest.platform;
  const same = os === entry.platform.os && arch === entry.platform.arch && manifest.version === entry.version;
  if (!same || bytes.length !== entry.lengthBytes) {
    throw invalid(at, `is listed as ${entry.version} for ${entry.platform.os}-${entry.platform.arch}, which it is not`);
  }
  return { bytes, manifest, entry };
}

function read<T>(at: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof TrustError || error instanceof ManifestError) throw invalid(at, error.message, error);
    throw error;
  }
}

function invalid(field: string, description: string, cause?: unknown): RpcError {
  return new RpcError(status.INVALID_ARGUMENT, ErrorReason.MANIFEST_INVALID, `${field}: ${description}`, {
    violations: [{ field, description }],
    cause,
  });
}
