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
  return writeCanonicalLeaf(leaf, canonicalJson(body));
}

/** Writes a leaf whose body `canonicalJson` wrote already. Throws AuditError LEAF_INVALID. */
export function writeCanonicalLeaf(leaf: Omit<Leaf, "body">, text: string): WrittenLeaf {
  const { network, pool, seq, atMs, kind } = leaf;
  // The body is written once, and stands between its neighbours in the order of their keys.
  const rest = canonicalJson({ kind, network, pool, seq, v: LEAF_VERSION }).slice(1);
  const entryWith = (members: string): Uint8Array => Buffer.from(`{"at_ms":${canonicalJson(atMs)},${members},${rest}`);
  // A code unit is three bytes at most; mostly nothing need be counted.
  const isInline = text.length * 3 <= BODY_INLINE_BYTES_MAX || Buffer.byteLength(text) <= BODY_INLINE_BYTES_MAX;
  if (isInline) return { entry: entryWith(`"body":${text}`), apart: undefined };
  const bytes = new TextEncoder().encode(text);
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
export function canonicalJson(value: unknown): string {
  const ordered = inOrder(value, 0);
  return ordered === undefined ? inPieces(value, 0) : JSON.stringify(ordered);
}

/** A copy with its keys in order, for the engine's own writer; undefined where an object of the engine cannot have it. */
function inOrder(value: unknown, depth: number): unknown {
  if (depth > DEPTH_MAX) throw invalid(`is deeper than ${DEPTH_MAX} levels`);
  if (Array.isArray(value)) {
    const items = value.map((item) => inOrder(item, depth + 1));
    return items.includes(undefined) ? undefined : items;
  }
  if (!isObject(value)) return plain(value);
  const keys = Object.keys(value);
  if (!isSorted(keys)) keys.sort();
  const ordered: Record<string, unknown> = {};
  for (const key of keys) {
    if (isMoved(key)) return undefined;
    const member = value[key];
    if (member === undefined) continue;
    const its = inOrder(member, depth + 1);
    if (its === undefined) return undefined;
    ordered[key] = its;
  }
  return ordered;
}

/** Numbers come first in an object whenever they were put there, and `__proto__` is no property at all. */
function isMoved(key: string): boolean {
  const first = key.charCodeAt(0);
  return first === UNDERSCORE || (first >= DIGIT_0 && first <= DIGIT_9);
}

const UNDERSCORE = 0x5f;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;

function isSorted(keys: readonly string[]): boolean {
  for (let n = 1; n < keys.length; n += 1) if ((keys[n - 1] as string) > (keys[n] as string)) return false;
  return true;
}

/** Any JSON, piece by piece: right always, and three times as slow. */
function inPieces(value: unknown, depth: number): string {
  if (depth > DEPTH_MAX) throw invalid(`is deeper than ${DEPTH_MAX} levels`);
  if (Array.isArray(value)) return `[${value.map((item) => inPieces(item, depth + 1)).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(plain(value));
  const keys = Object.keys(value).filter((key) => value[key] !== undefined);
  const members = keys.toSorted().map((key) => `${JSON.stringify(key)}:${inPieces(value[key], depth + 1)}`);
  return `{${members.join(",")}}`;
}

function plain(value: unknown): unknown {
  const isPlain = value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
  if (!isPlain) throw invalid("has a value that JSON cannot say");
  return value;
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
