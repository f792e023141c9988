/**
 * Leaves: what one entry of the log says, in the one form it can be written in (JSON in the form of RFC 8785: keys in
 * order, no spaces). A body that is too large for an entry stands apart, named by its digest. What a kind's body means is
 * the coordinator's; docs/audit-log.md lists it.
 */
import { digestOf, isDigest } from "../digest.ts";
import { isUtf8 } from "node:buffer";
import { isObject } from "../encoding.ts";
import { AuditError } from "./errors.ts";

/** The version of the form; another one is another number. */
export const LEAF_VERSION = 1;

/** Larger bodies, in bytes, stand apart: what is left of the 65,535 bytes of an entry holds all else easily. */
export const BODY_INLINE_BYTES_MAX = 32_768;

/** The largest body that stands apart; a dial that names 1,000,000 nodes has some 40 MB. */
export const BODY_BYTES_MAX = 67_108_864;

/** What is deeper than this is nothing that Moult writes, and bounds recursion. */
const DEPTH_MAX = 32;

/** A body in the entry, or apart from it. */
export type LeafBody =
  | { readonly value: unknown }
  /** SHA-256 of the body's canonical bytes, and their number. */
  | { readonly digest: string; readonly lengthBytes: number };

/** One entry. */
export interface Leaf {
  readonly network: string;
  /** The pool whose log it is of; `*` for what concerns no single pool. */
  readonly pool: string;
  /** The place in the pool's log: 1, 2, 3 and so on. */
  readonly seq: number;
  /** When it was decided, in milliseconds since 1970, by the coordinator's clock. */
  readonly atMs: number;
  readonly kind: string;
  readonly body: LeafBody;
}

/** An entry's bytes, and the body's where it stands apart. */
export interface WrittenLeaf {
  readonly entry: Uint8Array;
  readonly apart: { readonly digest: string; readonly bytes: Uint8Array } | undefined;
}

const KIND = /^[a-z][a-z0-9-]{0,62}$/;
const POOL = /^(?:\*|[^\p{Cc}]{1,255})$/u;

/** Writes a leaf whose body is any JSON. Throws AuditError LEAF_INVALID. */
export function writeLeaf(leaf: Omit<Leaf, "body">, body: unknown): WrittenLeaf {
  const text = canonicalJson(body);
  const bytes = new TextEncoder().encode(text);
  const { network, pool, seq, atMs, kind } = leaf;
  // The body is written once, and stands between its neighbours in the order of their keys.
  const rest = canonicalJson({ kind, network, pool, seq, v: LEAF_VERSION }).slice(1);
  const entryWith = (members: string): Uint8Array => Buffer.from(`{"at_ms":${canonicalJson(atMs)},${members},${rest}`);
  if (bytes.length <= BODY_INLINE_BYTES_MAX) return { entry: entryWith(`"body":${text}`), apart: undefined };
  const digest = digestOf(bytes);
  const entry = entryWith(`"body_bytes":${bytes.length},"body_sha256":"${digest}"`);
  return { entry, apart: { digest, bytes } };
}

/** Reads an entry. Throws AuditError LEAF_INVALID where it is not in the one form. */
export function readLeaf(entry: Uint8Array): Leaf {
  const document = parse(entry);
  if (document === undefined || !isObject(document.value)) throw invalid("is not a JSON object in UTF-8");
  const {
    at_ms: atMs,
    kind,
    network,
    pool,
    seq,
    v,
    body,
    body_bytes: lengthBytes,
    body_sha256: digest,
    ...rest
  } = document.value;
  if (Object.keys(rest).length > 0) throw invalid(`has a key that version ${LEAF_VERSION} does not know`);
  if (v !== LEAF_VERSION) throw invalid(`is not of version ${LEAF_VERSION}`);
  if (!isCount(atMs) || !isCount(seq) || seq === 0) throw invalid("has an at_ms or a seq that is no such number");
  if (typeof network !== "string" || typeof kind !== "string" || !KIND.test(kind))
    throw invalid("has no network or kind");
  if (typeof pool !== "string" || !POOL.test(pool)) throw invalid("has no pool");
  if (!isCanonical(document.value, document.text)) throw invalid("is not in canonical form");
  const head = { network, pool, seq, atMs, kind };
  if (body !== undefined && lengthBytes === undefined && digest === undefined)
    return { ...head, body: { value: body } };
  const isApart = body === undefined && isDigest(digest) && isCount(lengthBytes);
  if (!isApart || lengthBytes <= BODY_INLINE_BYTES_MAX || lengthBytes > BODY_BYTES_MAX) {
    throw invalid("has neither a body nor the digest and length of one that is too large for an entry");
  }
  return { ...head, body: { digest, lengthBytes } };
}

/** JSON in the form of RFC 8785. Throws AuditError LEAF_INVALID where a value has none, or is too deep. */
export function canonicalJson(value: unknown, depth = 0): string {
  if (depth > DEPTH_MAX) throw invalid(`is deeper than ${DEPTH_MAX} levels`);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item, depth + 1)).join(",")}]`;
  if (isObject(value)) {
    const keys = Object.keys(value).filter((key) => value[key] !== undefined);
    const members = keys.toSorted().map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key], depth + 1)}`);
    return `{${members.join(",")}}`;
  }
  const isPlain = value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
  if (!isPlain) throw invalid("has a value that JSON cannot say");
  return JSON.stringify(value);
}

function parse(entry: Uint8Array): { readonly text: string; readonly value: unknown } | undefined {
  if (!isUtf8(entry)) return undefined;
  const text = Buffer.from(entry.buffer, entry.byteOffset, entry.length).toString("utf8");
  try {
    return { text, value: JSON.parse(text) as unknown };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Whether the text is the value's one form. The engine's own writer is right wherever the keys are in order already. */
function isCanonical(value: unknown, text: string): boolean {
  return (isOrdered(value, 0) && JSON.stringify(value) === text) || canonicalJson(value) === text;
}

function isOrdered(value: unknown, depth: number): boolean {
  if (depth > DEPTH_MAX) throw invalid(`is deeper than ${DEPTH_MAX} levels`);
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) return value.every((item) => isOrdered(item, depth + 1));
  let before: string | undefined;
  for (const [key, member] of Object.entries(value)) {
    if ((before !== undefined && before >= key) || !isOrdered(member, depth + 1)) return false;
    before = key;
  }
  return true;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function invalid(message: string): AuditError {
  return new AuditError("LEAF_INVALID", `The leaf ${message}.`);
}
