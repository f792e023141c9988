/** What a timestamp says of the snapshot, and a snapshot of the allowlist: version, and where given length and hash. */
import { digestOf } from "../../digest.ts";
import { TufError } from "../errors.ts";
import type { MetadataDocument } from "./document.ts";
import { DIGEST, DIGEST_RULE } from "./patterns.ts";
import { Reader } from "./reader.ts";
import type { Json } from "./strict-json.ts";

/** Roles that one snapshot may name, for delegations; Moult's own snapshots name one. */
const FILES_MAX = 1024;

/** Which file is meant. */
export interface MetaEntry {
  /** 1 to 2^53-1. */
  readonly version: number;
  /** Absent where the parent leaves it open. */
  readonly lengthBytes?: number;
  /** SHA-256, 64 hexadecimal digits; absent where the parent leaves it open. */
  readonly sha256?: string;
}

/** The entry for `fileName` in the document's `meta`; undefined where it has none. Throws TufError FORM_INVALID. */
export function metaEntry(document: MetadataDocument, fileName: string): MetaEntry | undefined {
  const reader = new Reader(document.role);
  const meta = reader.record(document.signed["meta"], "signed.meta", FILES_MAX);
  return Object.hasOwn(meta, fileName) ? readEntry(meta[fileName], `signed.meta.${fileName}`, reader) : undefined;
}

/** Demands that `document` is the file its parent means. Throws TufError MIXED. */
export function requireMeant(document: MetadataDocument, entry: MetaEntry): void {
  const { bytes, role, version } = document;
  const mixed = (what: string): TufError => new TufError("MIXED", role, `${what} is not the one that its parent names`);
  if (entry.lengthBytes !== undefined && entry.lengthBytes !== bytes.length) throw mixed("the length");
  if (entry.sha256 !== undefined && entry.sha256 !== digestOf(bytes)) throw mixed("the hash");
  if (entry.version !== version) throw mixed("the version");
}

function readEntry(value: Json | undefined, where: string, reader: Reader): MetaEntry {
  const fields = reader.object(value, where, { required: ["version"], others: true });
  const version = reader.integer(fields["version"], `${where}.version`, 1, Number.MAX_SAFE_INTEGER);
  const { length, hashes } = fields;
  return {
    version,
    ...(length === undefined
      ? {}
      : { lengthBytes: reader.integer(length, `${where}.length`, 0, Number.MAX_SAFE_INTEGER) }),
    ...(hashes === undefined ? {} : readHashes(hashes, `${where}.hashes`, reader)),
  };
}

/** Other algorithms are the library's affair; SHA-256 is read where it is there. */
function readHashes(value: Json, where: string, reader: Reader): { readonly sha256?: string } {
  const hashes = reader.record(value, where, 8);
  if (Object.keys(hashes).length === 0) reader.fail(where, "is empty, so it would check nothing");
  const { sha256 } = hashes;
  return sha256 === undefined ? {} : { sha256: reader.string(sha256, `${where}.sha256`, DIGEST, DIGEST_RULE) };
}
