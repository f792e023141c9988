/**
 * What all four roles have in common: an envelope of signatures around a signed part with type, version and expiry.
 * Bytes become a document here once they are bounded, strict JSON and in form; nothing is verified yet.
 */
import { TufError } from "../errors.ts";
import { canonicalBytes } from "./canonical.ts";
import { SIGNATURES_MAX } from "./limits.ts";
import { Reader } from "./reader.ts";
import {
  type Json,
  type JsonBounds,
  JsonError,
  type JsonObject,
  isJsonObject,
  parseStrictJson,
} from "./strict-json.ts";

/** The kinds of file. A delegated role's file is of kind `targets`. */
export type Kind = "root" | "timestamp" | "snapshot" | "targets";

/** One signature as the file has it: nothing about it is checked yet. */
export interface Signature {
  readonly keyId: string;
  readonly text: string;
}

/** A file that is in form. It says nothing yet about who signed. */
export interface MetadataDocument {
  /** The role's name: the kind, or a delegated role's name. */
  readonly role: string;
  readonly kind: Kind;
  /** The file as it came. */
  readonly bytes: Uint8Array;
  readonly signed: JsonObject;
  /** What signatures are about: canonical JSON of `signed`, the whole of it as it came. */
  readonly message: Uint8Array;
  readonly signatures: readonly Signature[];
  /** Whether the envelope holds nothing but the signed part, key ids and signatures. Anything else nobody signed. */
  readonly bare: boolean;
  /** 1 to 2^53-1. */
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly expiresMs: number;
}

/** How to read a file. */
export interface DocumentRules {
  readonly role: string;
  readonly kind: Kind;
  readonly bytesMax: number;
  readonly json: JsonBounds;
}

const SPEC_VERSION = /^1\.(?:0|[1-9][0-9]{0,3})(?:\.(?:0|[1-9][0-9]{0,3}))?$/;
const ANY_TEXT = /^[^]{0,16384}$/;
const COMMON = ["_type", "spec_version", "version", "expires"];

/** Reads a file. Throws TufError TOO_LARGE, NOT_JSON, FORM_INVALID. */
export function readDocument(bytes: Uint8Array, rules: DocumentRules): MetadataDocument {
  const { role, kind, bytesMax } = rules;
  if (bytes.length > bytesMax) {
    throw new TufError("TOO_LARGE", role, `has ${bytes.length} bytes; at most ${bytesMax} are allowed`);
  }
  const reader = new Reader(role);
  const file = reader.object(parse(bytes, rules), "file", { required: ["signed", "signatures"], others: true });
  const signed = reader.object(file["signed"], "signed", { required: COMMON, others: true });
  if (signed["_type"] !== kind) reader.fail("signed._type", `is not ${kind}`);
  reader.string(signed["spec_version"], "signed.spec_version", SPEC_VERSION, "is not 1.x or 1.x.y");
  return {
    role,
    kind,
    bytes,
    signed,
    message: canonicalBytes(signed),
    signatures: readSignatures(file["signatures"], reader),
    bare: Object.keys(file).length === 2 && areBare(file["signatures"]),
    version: reader.integer(signed["version"], "signed.version", 1, Number.MAX_SAFE_INTEGER),
    expiresMs: reader.time(signed["expires"], "signed.expires"),
  };
}

/** Called after the signatures were read, so each is an object with at least its two keys. */
function areBare(signatures: Json | undefined): boolean {
  return Array.isArray(signatures) && signatures.every((item) => isJsonObject(item) && Object.keys(item).length === 2);
}

function parse(bytes: Uint8Array, { role, json }: DocumentRules): Json {
  try {
    return parseStrictJson(bytes, json);
  } catch (error) {
    if (error instanceof JsonError) throw new TufError("NOT_JSON", role, `${error.message}, at ${error.at}`, error);
    throw error;
  }
}

function readSignatures(value: Json | undefined, reader: Reader): readonly Signature[] {
  const signatures = reader.list(value, "signatures", 0, SIGNATURES_MAX).map((item, n) => {
    const where = `signatures[${n}]`;
    const fields = reader.object(item, where, { required: ["keyid", "sig"], others: true });
    return {
      keyId: reader.string(fields["keyid"], `${where}.keyid`, ANY_TEXT, "is not a text"),
      text: reader.string(fields["sig"], `${where}.sig`, ANY_TEXT, "is not a text"),
    };
  });
  // The specification wants one signature a key id; who sends two wants one of them counted somewhere else.
  if (new Set(signatures.map((s) => s.keyId)).size < signatures.length) {
    reader.fail("signatures", "has two signatures of one key id");
  }
  return signatures;
}
