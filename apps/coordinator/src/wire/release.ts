/** Releases between signed manifests, the contract and the core. */
import { status } from "@grpc/grpc-js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { RpcError, formatName } from "@moult/contracts";
import { ErrorReason, type ReleaseSchema } from "@moult/contracts/v1";
import type { Build, Release } from "@moult/policy";
import { type Council, TrustError, type VerifiedManifest, verifySignedManifest } from "@moult/trust";
import { writeTime } from "./time.ts";

const MANIFESTS_MAX = 16;
const VERSION_ID = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/;

/** A release that a quorum signed, and the envelopes that prove it. */
export interface SignedRelease {
  readonly release: Release;
  readonly envelopes: ReadonlyMap<string, Uint8Array>;
  /** Every part of every build, each digest once. */
  readonly parts: ReadonlyMap<string, number>;
}

/** What a new release gets beside its manifests. */
export interface ReleaseFacts {
  readonly network: string;
  readonly council: Council;
  readonly seed: string;
  readonly now: number;
}

/** Verifies the manifests of a release and that they belong together. Throws RpcError. */
export function readRelease(envelopes: readonly Uint8Array[], facts: ReleaseFacts): SignedRelease {
  if (envelopes.length === 0 || envelopes.length > MANIFESTS_MAX) {
    throw invalid("signed_manifests", `a release has 1 to ${MANIFESTS_MAX} signed manifests`);
  }
  const verified = envelopes.map((envelope, index) => ({ ...verify(envelope, facts.council, index), envelope }));
  const [first] = verified;
  if (first === undefined) throw invalid("signed_manifests", "at least one");
  const { version, release_counter: releaseCounter } = first.manifest;
  const platforms = new Set<string>();
  for (const [index, { manifest }] of verified.entries()) {
    const at = `signed_manifests[${index}]`;
    const platform = `${manifest.platform.os}-${manifest.platform.arch}`;
    if (manifest.network !== facts.network)
      throw invalid(at, `is for network ${manifest.network}, not ${facts.network}`);
    if (manifest.version !== version || manifest.release_counter !== releaseCounter) {
      throw invalid(at, `is ${manifest.version} (${manifest.release_counter}), not ${version} (${releaseCounter})`);
    }
    if (platforms.has(platform)) throw invalid(at, `is a second build for ${platform}`);
    platforms.add(platform);
  }
  if (!VERSION_ID.test(version))
    throw invalid("signed_manifests[0]", `version "${version}" cannot be a release's name`);
  return {
    release: {
      version,
      releaseCounter,
      builds: verified.map(buildOf),
      recalled: false,
      createdAtMs: facts.now,
      seed: facts.seed,
    },
    envelopes: new Map(verified.map(({ digest, envelope }) => [digest, envelope])),
    parts: new Map(verified.flatMap(({ manifest }) => manifest.parts.map((p) => [p.digest, p.length_bytes] as const))),
  };
}

/** Writes a release. */
export function writeRelease(release: Release): MessageInitShape<typeof ReleaseSchema> {
  return {
    name: formatName("releases", release.version),
    version: release.version,
    releaseCounter: BigInt(release.releaseCounter),
    recalled: release.recalled,
    createTime: writeTime(release.createdAtMs),
    builds: release.builds.map((build) => ({
      digest: build.digest,
      platform: { ...build.platform },
      manifestBytes: build.manifestBytes,
      fromVersions: [...build.fromVersions],
      signedBy: [...build.signedBy],
      parts: build.parts.map((p) => ({ path: p.path, digest: p.digest, lengthBytes: BigInt(p.lengthBytes) })),
    })),
  };
}

function buildOf({ digest, manifest, bytes, signedBy }: VerifiedManifest): Build {
  return {
    digest,
    platform: manifest.platform,
    manifestBytes: bytes.length,
    fromVersions: manifest.from_versions,
    parts: manifest.parts.map((p) => ({ path: p.path, digest: p.digest, lengthBytes: p.length_bytes })),
    signedBy,
  };
}

function verify(bytes: Uint8Array, council: Council, index: number): VerifiedManifest {
  try {
    return verifySignedManifest(bytes, council);
  } catch (error) {
    if (!(error instanceof TrustError)) throw error;
    if (error.code === "SIGNATURES_TOO_FEW") {
      const reason = ErrorReason.SIGNATURES_TOO_FEW;
      throw new RpcError(status.FAILED_PRECONDITION, reason, `signed_manifests[${index}]: ${error.message}`, {
        cause: error,
      });
    }
    throw invalid(`signed_manifests[${index}]`, error.message, error);
  }
}

function invalid(field: string, description: string, cause?: unknown): RpcError {
  return new RpcError(status.INVALID_ARGUMENT, ErrorReason.MANIFEST_INVALID, `${field}: ${description}`, {
    violations: [{ field, description }],
    cause,
  });
}
