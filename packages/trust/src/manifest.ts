/**
 * Reads a build manifest. Its bytes are never written again once they are made; their SHA-256 is the build's digest.
 * Judges form only, not who signed it.
 */
import { type BuildManifest, HOOK_NAMES, MANIFEST_BYTES_MAX, MANIFEST_SCHEMA } from "./build-manifest.ts";
import { ManifestError } from "./errors.ts";
import { fromJson, isObject } from "./encoding.ts";
import { readParts } from "./manifest-parts.ts";
import { readWorkload } from "./manifest-workload.ts";
import { fieldsOf, readInteger, readList, readPath, readPattern } from "./manifest-fields.ts";

/** Versions a build can be reached from; beyond this, leave the list empty for any. */
const FROM_VERSIONS_MAX = 256;

/** 9999-12-31: a year of four digits. */
const BUILT_AT_S_MAX = 253_402_300_799;

const NETWORK = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** A version is also the id in `releases/{version}`. */
const VERSION = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/;
const PLATFORM_WORD = /^[a-z0-9_]{1,32}$/;

const NETWORK_RULE = "must be 1 to 63 of a-z, 0-9 and - (no - at an end)";
const VERSION_RULE = "must be 1 to 64 letters, digits and ._+-, and begin with a letter or a digit";

/** Reads a manifest's bytes. Throws ManifestError. */
export function parseManifest(bytes: Uint8Array): BuildManifest {
  if (bytes.length > MANIFEST_BYTES_MAX) {
    throw new ManifestError("TOO_LARGE", "", `has ${bytes.length} bytes; at most ${MANIFEST_BYTES_MAX} are allowed`);
  }
  const document = fromJson(bytes);
  if (document === undefined) throw new ManifestError("NOT_JSON", "", "is not JSON in UTF-8");
  if (!isObject(document.value)) throw new ManifestError("NOT_JSON", "", "is not a JSON object");
  // Said first, so that a manifest of a later form is called that and not malformed.
  if (document.value["schema"] !== MANIFEST_SCHEMA) {
    throw new ManifestError("SCHEMA_UNKNOWN", "schema", `is not ${MANIFEST_SCHEMA}`);
  }
  const required = [
    "schema",
    "network",
    "version",
    "release_counter",
    "platform",
    "from_versions",
    "runtime",
    "agent",
    "workload",
    "parts",
  ];
  const fields = fieldsOf(document.value, "", required, ["built_at_s"]);
  const platform = fieldsOf(fields["platform"], "platform", ["os", "arch"]);
  const manifest: BuildManifest = {
    schema: MANIFEST_SCHEMA,
    network: readPattern(fields["network"], "network", NETWORK, NETWORK_RULE),
    version: readPattern(fields["version"], "version", VERSION, VERSION_RULE),
    release_counter: readInteger(fields["release_counter"], "release_counter", 1, Number.MAX_SAFE_INTEGER),
    platform: {
      os: readPattern(platform["os"], "platform.os", PLATFORM_WORD, "must be a name such as linux"),
      arch: readPattern(platform["arch"], "platform.arch", PLATFORM_WORD, "must be a name such as x64"),
    },
    from_versions: readFromVersions(fields["from_versions"]),
    runtime: readPath(fields["runtime"], "runtime"),
    agent: readPath(fields["agent"], "agent"),
    workload: readWorkload(fields["workload"]),
    parts: readParts(fields["parts"]),
    ...(Object.hasOwn(fields, "built_at_s") && {
      built_at_s: readInteger(fields["built_at_s"], "built_at_s", 0, BUILT_AT_S_MAX),
    }),
  };
  checkNamedParts(manifest);
  return manifest;
}

function readFromVersions(value: unknown): string[] {
  const versions = readList(value, "from_versions", 0, FROM_VERSIONS_MAX).map((item, index) =>
    readPattern(item, `from_versions[${index}]`, VERSION, VERSION_RULE),
  );
  if (new Set(versions).size !== versions.length) {
    throw new ManifestError("VALUE_INVALID", "from_versions", "names a version twice");
  }
  return versions;
}

/** What the manifest refers to must be among its parts. */
function checkNamedParts(manifest: BuildManifest): void {
  const byPath = new Map(manifest.parts.map((part) => [part.path, part]));
  for (const field of ["runtime", "agent"] as const) {
    if (!byPath.has(manifest[field])) {
      throw new ManifestError("PART_UNKNOWN", field, `is ${manifest[field]}, which is none of its parts`);
    }
  }
  if (manifest.workload.kind !== "hooks") return;
  for (const hook of HOOK_NAMES) {
    const path = `${manifest.workload.hooks_dir}/${hook}`;
    if (byPath.get(path)?.executable !== true) {
      throw new ManifestError("PART_UNKNOWN", "workload.hooks_dir", `wants an executable part ${path}`);
    }
  }
}
