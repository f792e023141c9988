/** The publisher's two files in Moult's form: they name exactly one file each, with length and hash, and the network. */
import type { MetadataDocument } from "./document.ts";
import { type MetaEntry, metaEntry } from "./meta.ts";
import { DIGEST, DIGEST_RULE, NETWORK, NETWORK_RULE } from "./patterns.ts";
import { Reader } from "./reader.ts";
import type { Json } from "./strict-json.ts";

/** A timestamp lives at most this long after it was issued, so that nobody can hide a newer one for longer. */
export const TIMESTAMP_LIFETIME_MAX_MS: number = 24 * 60 * 60 * 1000;

/** A timestamp names at most so many brakes: as many as a device keeps. */
export const NAMED_BRAKES_MAX = 64;

/** The allowlist of the moment. */
export interface NetworkSnapshot {
  readonly network: string;
  readonly targets: MetaEntry;
}

/** The snapshot of the moment, and the moment. */
export interface NetworkTimestamp {
  readonly network: string;
  readonly snapshot: MetaEntry;
  /** When the publisher signed, by its own clock; milliseconds since 1970. */
  readonly issuedMs: number;
  /**
   * Digests of the signed brakes that held when it was issued, sorted, as far as the publisher knew: who hides a brake must
   * withhold the timestamp too. None where the file has no such field.
   */
  readonly brakes: readonly string[];
}

/** Reads a snapshot. Throws TufError FORM_INVALID. */
export function readNetworkSnapshot(document: MetadataDocument): NetworkSnapshot {
  const reader = new Reader(document.role);
  return {
    network: readOwn(document, reader, ["network"]).network,
    targets: readOnly(document, "targets.json", reader),
  };
}

/** Reads a timestamp. Throws TufError FORM_INVALID. */
export function readNetworkTimestamp(document: MetadataDocument): NetworkTimestamp {
  const reader = new Reader(document.role);
  const { network, own } = readOwn(document, reader, ["network", "issued"], ["brakes"]);
  const issuedMs = reader.time(own["issued"], "signed.moult.issued");
  const lifetimeMs = document.expiresMs - issuedMs;
  if (lifetimeMs <= 0 || lifetimeMs > TIMESTAMP_LIFETIME_MAX_MS) {
    reader.fail("signed.expires", "is not within 24 hours after it was issued");
  }
  const brakes = readBrakes(own["brakes"], reader);
  return { network, snapshot: readOnly(document, "snapshot.json", reader), issuedMs, brakes };
}

function readBrakes(value: Json | undefined, reader: Reader): readonly string[] {
  if (value === undefined) return [];
  const where = "signed.moult.brakes";
  const brakes = reader.strings(value, where, NAMED_BRAKES_MAX, DIGEST, DIGEST_RULE);
  // One text for one set, so that two timestamps can be compared.
  if (brakes.some((digest, n) => digest < (brakes[n - 1] ?? ""))) reader.fail(where, "is not sorted");
  return brakes;
}

function readOwn(
  document: MetadataDocument,
  reader: Reader,
  required: readonly string[],
  optional: readonly string[] = [],
) {
  const signed = reader.object(document.signed, "signed", {
    required: ["_type", "spec_version", "version", "expires", "meta", "moult"],
  });
  const own = reader.object(signed["moult"], "signed.moult", { required, optional });
  return { own, network: reader.string(own["network"], "signed.moult.network", NETWORK, NETWORK_RULE) };
}

function readOnly(document: MetadataDocument, fileName: string, reader: Reader): MetaEntry {
  const at = `signed.meta.${fileName}`;
  const meta = reader.object(document.signed["meta"], "signed.meta", { required: [fileName] });
  const entry = reader.object(meta[fileName], at, { required: ["version", "length", "hashes"] });
  reader.object(entry["hashes"], `${at}.hashes`, { required: ["sha256"] });
  return metaEntry(document, fileName) ?? reader.fail(at, "is missing");
}
