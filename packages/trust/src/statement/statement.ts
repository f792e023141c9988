/**
 * Statements: what one person or machine said, signed, for one network, until a time. A statement is verified first and
 * read then, and counts only while T is before its expiry. What is inside is the reader's affair; this file sees bytes.
 *
 * Parties: a breaker brakes, an operator overrides gate 3, a coordinator gives receipts for its verdicts. Threat: whoever
 * carries a statement may alter, relabel, repeat or withhold it, or bring it to another network; the worst that comes of it
 * is that it is as if it had not been said. Withholding a brake is bounded by the timestamp's 24 hours, because it travels
 * with the metadata too.
 */
import { digestOf } from "../digest.ts";
import { sign, verifyStrict } from "../ed25519.ts";
import { derivePublicKey, keyId, parsePublicKey } from "../keys.ts";
import { type StatementEnvelope, formatStatement, pae, parseStatement } from "./envelope.ts";
import { StatementError } from "./errors.ts";
import { LIFETIME_MAX_MS, type StatementKind, payloadTypeOf } from "./kinds.ts";

/** What every kind of payload says, and the rest. Times in milliseconds since 1970. */
export interface StatementContent<T> {
  readonly network: string;
  readonly issuedMs: number;
  readonly expiresMs: number;
  readonly body: T;
}

/** Reads a payload that was verified. Throws where it is none of its kind; what it throws becomes a cause. */
export type StatementReader<T> = (payload: Uint8Array) => StatementContent<T>;

/** Whose word counts, where, and when. */
export interface StatementRules<T> {
  readonly kind: StatementKind;
  readonly network: string;
  /** Public keys, 64 hexadecimal digits each; a key named twice is one. */
  readonly keys: readonly string[];
  /** How many distinct keys must have signed; 1 or more. */
  readonly threshold: number;
  readonly read: StatementReader<T>;
  /** T, milliseconds since 1970. */
  readonly nowMs: number;
  /**
   * Statements issued later than this do not count; milliseconds since 1970. Only for who knows the time for certain, from
   * fresh metadata: where T may lag, a statement that seems early may be a brake of today. Default: no bound.
   */
  readonly issuedUntilMs?: number;
}

/** A statement that counts. */
export interface VerifiedStatement<T> extends StatementContent<T> {
  /** SHA-256 of what was signed (kind and payload): names the statement, however often it was signed. */
  readonly digest: string;
  readonly payload: Uint8Array;
  /** Public keys that signed, sorted; at least the threshold. */
  readonly signedBy: readonly string[];
}

/** Signs a payload, or adds a signature to a statement of the same kind. Signing twice with one key changes nothing. */
export function signStatement(
  kind: StatementKind,
  payloadOrStatement: { readonly payload: Uint8Array } | { readonly statement: Uint8Array },
  privateKey: Uint8Array,
): Uint8Array {
  const payloadType = payloadTypeOf(kind);
  const envelope =
    "payload" in payloadOrStatement
      ? { payloadType, unverifiedPayload: payloadOrStatement.payload, signatures: [] }
      : ofKind(parseStatement(payloadOrStatement.statement), kind);
  const id = keyId(derivePublicKey(privateKey));
  const signature = sign(pae(payloadType, envelope.unverifiedPayload), privateKey);
  const others = envelope.signatures.filter((s) => s.keyId !== id);
  const signed = formatStatement({ ...envelope, signatures: [...others, { keyId: id, signature }] });
  parseStatement(signed); // What is too long is refused now, and not by whoever gets it.
  return signed;
}

/** The statement in `bytes`, if it counts. Throws StatementError; KeyError where a key of the rules is none. */
export function verifyStatement<T>(bytes: Uint8Array, rules: StatementRules<T>): VerifiedStatement<T> {
  const envelope = ofKind(parseStatement(bytes), rules.kind);
  const message = pae(envelope.payloadType, envelope.unverifiedPayload);
  const signedBy = signersOf(envelope, message, rules.keys);
  if (rules.threshold < 1 || signedBy.length < rules.threshold) {
    const rule = `${signedBy.length} of the ${rules.threshold} keys that are needed signed this ${rules.kind}.`;
    throw new StatementError("SIGNATURES_TOO_FEW", rule);
  }
  const content = readContent(envelope.unverifiedPayload, rules.read);
  if (content.network !== rules.network) {
    throw new StatementError(
      "OTHER_NETWORK",
      `This ${rules.kind} is of ${content.network}, and this is ${rules.network}.`,
    );
  }
  requireBounded(content, rules);
  return { ...content, digest: digestOf(message), payload: envelope.unverifiedPayload, signedBy };
}

function requireBounded(content: StatementContent<unknown>, rules: StatementRules<unknown>): void {
  const { issuedMs, expiresMs } = content;
  const { kind, nowMs, issuedUntilMs = Number.MAX_SAFE_INTEGER } = rules;
  if (!Number.isSafeInteger(issuedMs) || !Number.isSafeInteger(expiresMs)) {
    throw new StatementError("PAYLOAD_INVALID", `This ${kind} has a time that is none.`);
  }
  if (expiresMs - issuedMs > LIFETIME_MAX_MS[kind]) {
    throw new StatementError("LIVES_TOO_LONG", `This ${kind} would hold for longer than any may.`);
  }
  if (issuedMs > issuedUntilMs) {
    throw new StatementError("ISSUED_LATER", `This ${kind} says it was issued at a time that has not come.`);
  }
  if (expiresMs <= nowMs || expiresMs <= issuedMs) {
    throw new StatementError("EXPIRED", `This ${kind} expired at ${new Date(expiresMs).toISOString()}.`);
  }
}

function ofKind(envelope: StatementEnvelope, kind: StatementKind): StatementEnvelope {
  if (envelope.payloadType === payloadTypeOf(kind)) return envelope;
  throw new StatementError("OTHER_KIND", `This is no ${kind}: it was signed as ${envelope.payloadType.slice(0, 64)}.`);
}

function signersOf(envelope: StatementEnvelope, message: Uint8Array, keys: readonly string[]): readonly string[] {
  const byId = new Map(keys.map((text) => [keyId(parsePublicKey(text)), text]));
  const signers = new Set<string>();
  for (const { keyId: id, signature } of envelope.signatures) {
    const text = byId.get(id);
    if (text !== undefined && !signers.has(text) && verifyStrict(signature, message, parsePublicKey(text))) {
      signers.add(text);
    }
  }
  return [...signers].sort();
}

function readContent<T>(payload: Uint8Array, read: StatementReader<T>): StatementContent<T> {
  try {
    return read(payload);
  } catch (error) {
    throw new StatementError("PAYLOAD_INVALID", "The payload is none of its kind.", error);
  }
}
