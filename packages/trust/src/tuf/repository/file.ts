/**
 * Metadata files as people pass them around: the signed part and the signatures so far. A file without signatures is what
 * goes out to the members; each signs apart from the others, and the signatures are brought together. Bytes in, bytes out;
 * no disk. Whatever is written or signed here was judged as a device judges it, so nobody signs what would be refused.
 */
import { sign } from "../../ed25519.ts";
import { toHex } from "../../encoding.ts";
import { derivePublicKey, formatPublicKey } from "../../keys.ts";
import { MOULT } from "../client/dialect.ts";
import { TufError } from "../errors.ts";
import { canonicalBytes } from "../form/canonical.ts";
import { type Kind, type MetadataDocument, type Signature, readDocument } from "../form/document.ts";
import { MOULT_SCHEMES, tufKeyId } from "../form/ed25519-scheme.ts";
import { readRootForm } from "../form/root.ts";
import { type Json, JsonError, type JsonObject, isJsonObject, parseStrictJson } from "../form/strict-json.ts";

const KINDS: readonly Kind[] = ["root", "timestamp", "snapshot", "targets"];

/** The specification's version that these files follow. */
export const SPEC_VERSION = "1.0.31";

/** A file's document, judged as a device does, signatures aside. `kind`: which it must be; any by default. Throws TufError. */
export function readFile(bytes: Uint8Array, kind?: Kind): MetadataDocument {
  const found = kind ?? kindOf(bytes);
  const document = readDocument(bytes, { role: found, kind: found, bytesMax: MOULT.bytesMax[found], json: MOULT.json });
  MOULT.judge(document);
  return document;
}

/** The file of a signed part that nobody has signed yet. Throws TufError where a device would refuse it. */
export function unsignedFile(signed: Record<string, Json>): Uint8Array {
  const bytes = formatFile(signed, []);
  readFile(bytes);
  return bytes;
}

/** Adds one member's signature; signing twice with one key changes nothing. Throws TufError, KeyError PRIVATE_KEY_INVALID. */
export function signFile(bytes: Uint8Array, privateKey: Uint8Array): Uint8Array {
  const document = readFile(bytes);
  const keyId = tufKeyId(formatPublicKey(derivePublicKey(privateKey)));
  const own = { keyId, text: toHex(sign(document.message, privateKey)) };
  const others = document.signatures.filter((s) => s.keyId !== keyId);
  return formatFile(document.signed, [...others, own]);
}

/**
 * One file with the signatures of all. They must carry the same signed part. Of two signatures by one key the good one is
 * kept, as far as keys are known: those of `trustedRoot` where given, and of the file itself where it is a root. Throws
 * TufError MIXED, and what reading them throws.
 */
export function mergeFiles(files: readonly [Uint8Array, ...Uint8Array[]], trustedRoot?: Uint8Array): Uint8Array {
  const [first, ...others] = files.map((bytes) => readFile(bytes)) as [MetadataDocument, ...MetadataDocument[]];
  const roots = [...(trustedRoot === undefined ? [] : [readFile(trustedRoot, "root")]), first];
  const keys = new Map(roots.filter((r) => r.kind === "root").flatMap((r) => [...readRootForm(r, MOULT_SCHEMES).keys]));
  const signatures = new Map<string, Signature>();
  for (const file of [first, ...others]) {
    if (Buffer.compare(file.message, first.message) !== 0) {
      throw new TufError("MIXED", file.role, "the files do not carry the same signed part");
    }
    for (const s of file.signatures) {
      const key = keys.get(s.keyId);
      if (key?.scheme.verify(s.text, first.message, key.publicText) === false) continue;
      if (!signatures.has(s.keyId)) signatures.set(s.keyId, s);
    }
  }
  return formatFile(first.signed, [...signatures.values()]);
}

function formatFile(signed: JsonObject, signatures: readonly Signature[]): Uint8Array {
  const sorted = signatures.toSorted((a, b) => (a.keyId < b.keyId ? -1 : 1));
  const file = { signatures: sorted.map((s) => ({ keyid: s.keyId, sig: s.text })), signed: ordered(signed) };
  return new TextEncoder().encode(`${JSON.stringify(file, undefined, 1)}\n`);
}

/** Keys in canonical order, so that one document has one text. */
function ordered(signed: JsonObject): unknown {
  return JSON.parse(new TextDecoder().decode(canonicalBytes(signed)));
}

function kindOf(bytes: Uint8Array): Kind {
  const bytesMax = Math.max(...Object.values(MOULT.bytesMax));
  if (bytes.length > bytesMax) throw new TufError("TOO_LARGE", "file", `has more than ${bytesMax} bytes`);
  let file: Json;
  try {
    file = parseStrictJson(bytes, MOULT.json);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new TufError("NOT_JSON", "file", `${error.message}, at ${error.at}`, error);
  }
  const signed = isJsonObject(file) ? file["signed"] : undefined;
  const kind = KINDS.find((k) => isJsonObject(signed) && signed["_type"] === k);
  if (kind === undefined) throw new TufError("FORM_INVALID", "file", "is no metadata");
  return kind;
}
