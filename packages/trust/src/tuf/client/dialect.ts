/**
 * What a client accepts beyond TUF's general form. Devices speak `MOULT` and nothing else; the conformance command speaks
 * plain TUF through the same session, so that the public suite judges the code that devices run.
 */
import { readAllowlist } from "../form/allowlist.ts";
import type { Kind, MetadataDocument } from "../form/document.ts";
import { MOULT_SCHEMES } from "../form/ed25519-scheme.ts";
import { readNetworkSnapshot, readNetworkTimestamp } from "../form/freshness.ts";
import type { Schemes } from "../form/keys.ts";
import { BYTES_MAX, JSON_BOUNDS, ROOTS_MAX } from "../form/limits.ts";
import { readNetworkRoot } from "../form/network-root.ts";
import { Reader } from "../form/reader.ts";
import type { JsonBounds } from "../form/strict-json.ts";

/** A form of TUF. */
export interface Dialect {
  /** Keys of other schemes are never counted. */
  readonly schemes: Schemes;
  readonly bytesMax: Readonly<Record<Kind, number>>;
  readonly json: JsonBounds;
  readonly rootsMax: number;
  /**
   * Whether the list that was kept binds the next one also after the publisher's keys were replaced, for as long as it has the
   * present council's quorum. TUF forgets it then (specification 5.3.11), so that whoever held the old keys can bring back any
   * list that the council ever signed. Default: TUF's rule.
   */
  readonly listBinds?: boolean;
  /**
   * Demands what the form wants beyond TUF's own, before the document is handed to the library, and answers the id of the
   * network it belongs to, where the form has one. Throws TufError.
   */
  judge(document: MetadataDocument): string | undefined;
}

/** Moult's own metadata. */
export const MOULT: Dialect = {
  schemes: MOULT_SCHEMES,
  bytesMax: BYTES_MAX,
  json: JSON_BOUNDS,
  rootsMax: ROOTS_MAX,
  listBinds: true,
  judge: (document) => {
    const { role, kind } = document;
    requireBareEnvelope(document);
    if (role !== kind) new Reader(role).fail("role", "is not one of the four");
    switch (kind) {
      case "root":
        return readNetworkRoot(document).network;
      case "timestamp":
        return readNetworkTimestamp(document).network;
      case "snapshot":
        return readNetworkSnapshot(document).network;
      case "targets":
        return readAllowlist(document).network;
    }
  },
};

const KEY_ID = /^[0-9a-f]{64}$/;
const SIGNATURE = /^[0-9a-f]{128}$/;

/** What no signature covers must not be there at all: whoever carries the file could write it. */
function requireBareEnvelope(document: MetadataDocument): void {
  const reader = new Reader(document.role);
  if (!document.bare) reader.fail("file", "holds more than a signed part, key ids and signatures");
  for (const [n, { keyId, text }] of document.signatures.entries()) {
    reader.string(keyId, `signatures[${n}].keyid`, KEY_ID, "is not 64 lowercase hexadecimal digits");
    reader.string(text, `signatures[${n}].sig`, SIGNATURE, "is not 128 lowercase hexadecimal digits");
  }
}
