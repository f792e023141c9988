/**
 * DSSE envelopes of statements: payload bytes, their kind, and signatures over both (PAE). Bytes are bounded and strict
 * before anything is looked at, and stay as they came: nothing is ever encoded again to be verified.
 */
import { KEY_BYTES, SIGNATURE_BYTES } from "../ed25519.ts";
import { fromBase64, fromHex, toBase64 } from "../encoding.ts";
import { type Json, JsonError, isJsonObject, parseStrictJson } from "../tuf/form/strict-json.ts";
import { StatementError } from "./errors.ts";

/** The largest payload, bytes: a statement is a few sentences. */
export const PAYLOAD_BYTES_MAX = 16_384;

/** Signatures on one statement. */
const SIGNATURES_MAX = 16;

/** The largest envelope, bytes: the payload in base64, and some 180 bytes a signature. */
export const STATEMENT_BYTES_MAX: number = Math.ceil(PAYLOAD_BYTES_MAX / 3) * 4 + 8192;

const JSON_BOUNDS = { depthMax: 3, valuesMax: 4 + 3 * SIGNATURES_MAX };

/** One signature and the key it claims to be by. */
export interface StatementSignature {
  /** SHA-256 of the raw public key, 64 hexadecimal digits. */
  readonly keyId: string;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

/** An envelope that is in form. It says nothing yet about who signed. */
export interface StatementEnvelope {
  readonly payloadType: string;
  readonly unverifiedPayload: Uint8Array;
  readonly signatures: readonly StatementSignature[];
}

/** Reads an envelope. Throws StatementError ENVELOPE_INVALID. */
export function parseStatement(bytes: Uint8Array): StatementEnvelope {
  if (bytes.length > STATEMENT_BYTES_MAX)
    throw invalid(`has ${bytes.length} bytes; ${STATEMENT_BYTES_MAX} are allowed`);
  const { payloadType, payload, signatures } = exactly(parseJson(bytes), ["payloadType", "payload", "signatures"]);
  if (typeof payloadType !== "string" || payloadType.length > 128) throw invalid("has no payloadType");
  const unverifiedPayload = typeof payload === "string" ? fromBase64(payload) : undefined;
  if (unverifiedPayload === undefined || unverifiedPayload.length > PAYLOAD_BYTES_MAX) {
    throw invalid("has a payload that is no base64, or too long");
  }
  if (!Array.isArray(signatures) || signatures.length > SIGNATURES_MAX) {
    throw invalid(`has no list of at most ${SIGNATURES_MAX} signatures`);
  }
  const read = (signatures as readonly Json[]).map(readSignature);
  // Each signature under a known key costs a verification: one key is to cost one.
  if (new Set(read.map(({ keyId }) => keyId)).size !== read.length) throw invalid("names a key twice");
  return { payloadType, unverifiedPayload, signatures: read };
}

/** The envelope's bytes. */
export function formatStatement(envelope: StatementEnvelope): Uint8Array {
  const document = {
    payloadType: envelope.payloadType,
    payload: toBase64(envelope.unverifiedPayload),
    signatures: envelope.signatures.map((s) => ({ keyid: s.keyId, sig: toBase64(s.signature) })),
  };
  return new TextEncoder().encode(JSON.stringify(document));
}

/** What a signature is over: DSSE's pre-authentication encoding, lengths in bytes. */
export function pae(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = Buffer.from(payloadType, "utf8");
  const head = Buffer.from(`DSSEv1 ${type.length} ${payloadType} ${payload.length} `, "utf8");
  return new Uint8Array(Buffer.concat([head, payload]));
}

function readSignature(value: Json): StatementSignature {
  const { keyid, sig } = exactly(value, ["keyid", "sig"]);
  if (typeof keyid !== "string" || fromHex(keyid)?.length !== KEY_BYTES) throw invalid("has a key id that is none");
  const signature = typeof sig === "string" ? fromBase64(sig) : undefined;
  if (signature?.length !== SIGNATURE_BYTES) throw invalid("has a signature that is none");
  return { keyId: keyid, signature };
}

function exactly<K extends string>(value: Json, keys: readonly K[]): Readonly<Record<K, Json>> {
  if (!isJsonObject(value) || Object.keys(value).length !== keys.length || keys.some((k) => !Object.hasOwn(value, k))) {
    throw invalid(`has something else where ${keys.join(", ")} must stand`);
  }
  return value as Readonly<Record<K, Json>>;
}

function parseJson(bytes: Uint8Array): Json {
  try {
    return parseStrictJson(bytes, JSON_BOUNDS);
  } catch (error) {
    if (error instanceof JsonError) throw invalid(`is not strict JSON: ${error.message}`, error);
    throw error;
  }
}

function invalid(message: string, cause?: unknown): StatementError {
  return new StatementError("ENVELOPE_INVALID", `The envelope ${message}.`, cause);
}
