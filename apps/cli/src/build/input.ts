/** What a build is made from, and its manifest as far as it follows without reading a file. Pure. */
import {
  type BuildManifest,
  HOOK_NAMES,
  MANIFEST_SCHEMA,
  type ManifestPart,
  type ManifestWorkload,
  digestOf,
  parseManifest,
} from "@moult/trust";

/** One file that becomes a part. */
export interface PartInput {
  /** Where it will stand in a slot. */
  readonly path: string;
  /** Where it is on this machine. */
  readonly file: string;
  readonly executable: boolean;
}

/** Everything a manifest says but digests and lengths. */
export interface BuildInput {
  readonly network: string;
  readonly version: string;
  readonly releaseCounter: number;
  readonly platform: { readonly os: string; readonly arch: string };
  /** Empty for any. */
  readonly fromVersions: readonly string[];
  /** Path of the part that runs the agent; it is executable whatever its input says. */
  readonly runtime: string;
  /** Path of the agent's part. */
  readonly agent: string;
  readonly workload: ManifestWorkload;
  readonly parts: readonly PartInput[];
  /** When it was built, in seconds since 1970; undefined where the manifest is not to say. */
  readonly builtAtS?: number;
}

/** What is learnt by reading a part. */
export interface PartContent {
  readonly digest: string;
  readonly lengthBytes: number;
}

/**
 * The manifest's bytes. Parts stand in the order of their paths and keys in the order of the schema, so that the same
 * input always gives the same digest. Throws ManifestError where the manifest would break a rule.
 */
export function manifestBytes(input: BuildInput, contentOf: (part: PartInput) => PartContent): Uint8Array {
  const parts = input.parts.map((part): ManifestPart => {
    const { digest, lengthBytes } = contentOf(part);
    return { path: part.path, digest, length_bytes: lengthBytes, executable: isExecutable(input, part) };
  });
  const manifest: BuildManifest = {
    schema: MANIFEST_SCHEMA,
    network: input.network,
    version: input.version,
    release_counter: input.releaseCounter,
    platform: { os: input.platform.os, arch: input.platform.arch },
    from_versions: input.fromVersions,
    runtime: input.runtime,
    agent: input.agent,
    workload: input.workload,
    parts: parts.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    ...(input.builtAtS !== undefined && { built_at_s: input.builtAtS }),
  };
  const bytes = new TextEncoder().encode(`${JSON.stringify(manifest, undefined, 2)}\n`);
  parseManifest(bytes);
  return bytes;
}

/** Finds what breaks a rule before long files are read. Throws ManifestError. */
export function checkInput(input: BuildInput): void {
  manifestBytes(input, (part) => ({ digest: digestOf(new TextEncoder().encode(part.path)), lengthBytes: 0 }));
}

/** The runtime and the hooks are started, so they are executable without being named. */
function isExecutable(input: BuildInput, part: PartInput): boolean {
  if (part.executable || part.path === input.runtime) return true;
  const { workload } = input;
  return workload.kind === "hooks" && HOOK_NAMES.some((name) => part.path === `${workload.hooks_dir}/${name}`);
}
