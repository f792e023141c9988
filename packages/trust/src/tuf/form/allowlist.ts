/**
 * The allowlist: which builds may run at all, signed by the council. A target's name is the build's digest, so that one
 * name is one build and no name is a path. Judges form only; a quorum was counted before, or is before anybody acts.
 */
import type { MetadataDocument } from "./document.ts";
import { BUILDS_MAX } from "./limits.ts";
import { DIGEST, DIGEST_RULE, NETWORK, NETWORK_RULE, VERSION, VERSION_RULE, WORD, WORD_RULE } from "./patterns.ts";
import { Reader } from "./reader.ts";
import type { Json } from "./strict-json.ts";
import { MANIFEST_BYTES_MAX } from "../../build-manifest.ts";
import { type CohortBound, readCohort } from "./cohort-bound.ts";

/** Versions that a build may be reached from; beyond this, leave the list empty for any. */
const FROM_VERSIONS_MAX = 256;
const FLAGS_MAX = 64;
/** Brakes that one list may lift. */
const LIFTED_MAX = 64;

/** One build that may run. */
export interface AllowedBuild {
  /** SHA-256 of the build's manifest. */
  readonly digest: string;
  /** Of the manifest; 1 to 1,048,576. */
  readonly lengthBytes: number;
  readonly platform: { readonly os: string; readonly arch: string };
  readonly version: string;
  /** 1 or more. Decides what is newer, whatever the manifest says: old bytes under a new counter are a retreat. */
  readonly releaseCounter: number;
  /** Versions it may be reached from; empty for any. */
  readonly fromVersions: readonly string[];
  readonly flags: ReadonlyMap<string, boolean>;
  /** Who may move when, at most; absent: everybody at once. */
  readonly cohort?: CohortBound;
  /** Digest of the build to go back to; absent for a first release. */
  readonly rollback?: string;
  /** Digest of the proposal this build was approved in; absent without governance. */
  readonly proposal?: string;
}

/** A list that the council signs. */
export interface Allowlist {
  readonly version: number;
  readonly expiresMs: number;
  readonly network: string;
  /** By digest. */
  readonly builds: ReadonlyMap<string, AllowedBuild>;
  /** Digests of brake statements that the council lifts. */
  readonly liftedBrakes: readonly string[];
}

/** Reads an allowlist. Throws TufError FORM_INVALID. */
export function readAllowlist(document: MetadataDocument): Allowlist {
  const reader = new Reader(document.role);
  // `delegations` is not among the keys: who may approve is written in the root and nowhere else.
  const signed = reader.object(document.signed, "signed", {
    required: ["_type", "spec_version", "version", "expires", "targets", "moult"],
  });
  const own = reader.object(signed["moult"], "signed.moult", { required: ["network"], optional: ["lifted_brakes"] });
  const builds = new Map<string, AllowedBuild>();
  for (const [name, item] of Object.entries(reader.record(signed["targets"], "signed.targets", BUILDS_MAX))) {
    const digest = reader.string(name, "signed.targets", DIGEST, `${JSON.stringify(name.slice(0, 64))} ${DIGEST_RULE}`);
    builds.set(digest, readBuild(digest, item, reader));
  }
  return {
    version: document.version,
    expiresMs: document.expiresMs,
    network: reader.string(own["network"], "signed.moult.network", NETWORK, NETWORK_RULE),
    builds,
    liftedBrakes: reader.strings(
      own["lifted_brakes"] ?? [],
      "signed.moult.lifted_brakes",
      LIFTED_MAX,
      DIGEST,
      DIGEST_RULE,
    ),
  };
}

function readBuild(digest: string, value: Json, reader: Reader): AllowedBuild {
  const at = `signed.targets.${digest}`;
  const target = reader.object(value, at, { required: ["length", "hashes", "custom"] });
  const hashes = reader.object(target["hashes"], `${at}.hashes`, { required: ["sha256"] });
  if (hashes["sha256"] !== digest) reader.fail(`${at}.hashes.sha256`, "is not the build's digest");
  const custom = reader.object(target["custom"], `${at}.custom`, {
    required: ["platform", "version", "release_counter", "from_versions", "flags"],
    optional: ["cohort", "rollback", "proposal"],
  });
  const platform = reader.object(custom["platform"], `${at}.custom.platform`, { required: ["os", "arch"] });
  const { cohort, rollback, proposal } = custom;
  const digestAt = (text: Json, key: string): string => reader.string(text, `${at}.custom.${key}`, DIGEST, DIGEST_RULE);
  return {
    digest,
    lengthBytes: reader.integer(target["length"], `${at}.length`, 1, MANIFEST_BYTES_MAX),
    platform: {
      os: reader.string(platform["os"], `${at}.custom.platform.os`, WORD, WORD_RULE),
      arch: reader.string(platform["arch"], `${at}.custom.platform.arch`, WORD, WORD_RULE),
    },
    version: reader.string(custom["version"], `${at}.custom.version`, VERSION, VERSION_RULE),
    releaseCounter: reader.integer(
      custom["release_counter"],
      `${at}.custom.release_counter`,
      1,
      Number.MAX_SAFE_INTEGER,
    ),
    fromVersions: reader.strings(
      custom["from_versions"],
      `${at}.custom.from_versions`,
      FROM_VERSIONS_MAX,
      VERSION,
      VERSION_RULE,
    ),
    flags: readFlags(custom["flags"], `${at}.custom.flags`, reader),
    ...(cohort === undefined ? {} : { cohort: readCohort(cohort, `${at}.custom.cohort`, reader) }),
    ...(rollback === undefined ? {} : { rollback: digestAt(rollback, "rollback") }),
    ...(proposal === undefined ? {} : { proposal: digestAt(proposal, "proposal") }),
  };
}

function readFlags(value: Json | undefined, where: string, reader: Reader): ReadonlyMap<string, boolean> {
  const flags = Object.entries(reader.record(value, where, FLAGS_MAX));
  return new Map(
    flags.map(([name, on]) => [
      reader.string(name, where, WORD, `has a flag whose name ${WORD_RULE}`),
      reader.boolean(on, `${where}.${name}`),
    ]),
  );
}
