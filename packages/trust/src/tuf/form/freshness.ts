/** The publisher's two files in Moult's form: they name exactly one file each, with length and hash, and the network. */
import type { MetadataDocument } from "./document.ts";
import { type MetaEntry, metaEntry } from "./meta.ts";
import { NETWORK, NETWORK_RULE } from "./patterns.ts";
import { Reader } from "./reader.ts";

/** A timestamp lives at most this long after it was issued, so that nobody can hide a newer one for longer. */
export const TIMESTAMP_LIFETIME_MAX_MS: number = 24 * 60 * 60 * 1000;

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
  const { network, own } = readOwn(document, reader, ["network", "issued"]);
  const issuedMs = reader.time(own["issued"], "signed.moult.issued");
  const lifetimeMs = document.expiresMs - issuedMs;
  if (lifetimeMs <= 0 || lifetimeMs > TIMESTAMP_LIFETIME_MAX_MS) {
    reader.fail("signed.expires", "is not within 24 hours after it was issued");
  }
  return { network, snapshot: readOnly(document, "snapshot.json", reader), issuedMs };
}

function readOwn(document: MetadataDocument, reader: Reader, required: readonly string[]) {
  const signed = reader.object(document.signed, "signed", {
    required: ["_type", "spec_version", "version", "expires", "meta", "moult"],
  });
  const own = reader.object(signed["moult"], "signed.moult", { required });
  return { own, network: reader.string(own["network"], "signed.moult.network", NETWORK, NETWORK_RULE) };
}

function readOnly(document: MetadataDocument, fileName: string, reader: Reader): MetaEntry {
  const at = `signed.meta.${fileName}`;
  const meta = reader.object(document.signed["meta"], "signed.meta", { required: [fileName] });
  const entry = reader.object(meta[fileName], at, { required: ["version", "length", "hashes"] });
  reader.object(entry["hashes"], `${at}.hashes`, { required: ["sha256"] });
  return metaEntry(document, fileName) ?? reader.fail(at, "is missing");
}
