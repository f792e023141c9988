/**
 * Keys and roles as a root (or a delegation) lists them, and the count of who signed. A key is what verifies, not what it
 * is called: signatures under two ids of one key count once.
 */
import { TufError } from "../errors.ts";
import { KEYS_MAX } from "./limits.ts";
import type { MetadataDocument } from "./document.ts";
import { Reader } from "./reader.ts";
import type { Json } from "./strict-json.ts";

/** A kind of key that may be counted. */
export interface Scheme {
  /** One text for each key, however the file writes it; undefined where the key must not be counted. */
  identity(publicText: string): string | undefined;
  /** Whether the signature, as the file writes it, is by that key over exactly `message`. */
  verify(signatureText: string, message: Uint8Array, publicText: string): boolean;
}

/** Schemes by key type and scheme, joined with `/`, as in `ed25519/ed25519`. */
export type Schemes = ReadonlyMap<string, Scheme>;

/** A key that may be counted. */
export interface ListedKey {
  readonly identity: string;
  readonly scheme: Scheme;
  readonly publicText: string;
}

/** Who may sign for a role, and how many it takes. */
export interface RoleKeys {
  readonly keyIds: readonly string[];
  /** 1 or more. */
  readonly threshold: number;
}

const ANY_TEXT = /^[^]{1,16384}$/;

/** The keys that may be counted, by id. A key of a scheme that is not known is left out, and so is never counted. */
export function readKeys(
  value: Json | undefined,
  where: string,
  reader: Reader,
  schemes: Schemes,
): Map<string, ListedKey> {
  const keys = new Map<string, ListedKey>();
  for (const [id, item] of Object.entries(reader.record(value, where, KEYS_MAX))) {
    const fields = reader.object(item, `${where}.${id}`, { required: ["keytype", "scheme", "keyval"], others: true });
    const keyType = reader.string(fields["keytype"], `${where}.${id}.keytype`, ANY_TEXT, "is not a text");
    const schemeName = reader.string(fields["scheme"], `${where}.${id}.scheme`, ANY_TEXT, "is not a text");
    const value = reader.record(fields["keyval"], `${where}.${id}.keyval`, 16);
    const publicText = reader.string(value["public"], `${where}.${id}.keyval.public`, ANY_TEXT, "is not a text");
    const scheme = schemes.get(`${keyType}/${schemeName}`);
    const identity = scheme?.identity(publicText);
    if (scheme !== undefined && identity !== undefined) keys.set(id, { identity, scheme, publicText });
  }
  return keys;
}

/** A role's keys and threshold. Throws TufError FORM_INVALID, THRESHOLD_INVALID. */
export function readRole(value: Json | undefined, where: string, reader: Reader): RoleKeys {
  const fields = reader.object(value, where, { required: ["keyids", "threshold"], others: true });
  const keyIds = reader.strings(fields["keyids"], `${where}.keyids`, KEYS_MAX, ANY_TEXT, "is not a text");
  const threshold = fields["threshold"];
  if (typeof threshold !== "number" || !Number.isSafeInteger(threshold) || threshold < 1) {
    return reader.fail(`${where}.threshold`, "is not a whole number of 1 or more", "THRESHOLD_INVALID");
  }
  return { keyIds, threshold };
}

/** The identities of the role's keys, each once. */
export function identitiesOf(role: RoleKeys, keys: ReadonlyMap<string, ListedKey>): ReadonlySet<string> {
  return new Set(role.keyIds.flatMap((id) => keys.get(id)?.identity ?? []));
}

/** The identities of the role's keys that signed the document, each once. */
export function signersOf(
  document: MetadataDocument,
  role: RoleKeys,
  keys: ReadonlyMap<string, ListedKey>,
): ReadonlySet<string> {
  const signers = new Set<string>();
  for (const { keyId, text } of document.signatures) {
    const key = role.keyIds.includes(keyId) ? keys.get(keyId) : undefined;
    if (key === undefined || signers.has(key.identity)) continue;
    if (key.scheme.verify(text, document.message, key.publicText)) signers.add(key.identity);
  }
  return signers;
}

/** Demands the role's quorum. Throws TufError SIGNATURES_TOO_FEW. */
export function requireQuorum(
  document: MetadataDocument,
  role: RoleKeys,
  keys: ReadonlyMap<string, ListedKey>,
  by: string,
): void {
  const { size } = signersOf(document, role, keys);
  if (size >= role.threshold) return;
  throw new TufError("SIGNATURES_TOO_FEW", document.role, `${size} of the ${role.threshold} keys of ${by} signed it`);
}
