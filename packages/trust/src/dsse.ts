/**
 * DSSE envelopes: bytes, and signatures over the bytes together with what kind they are. What an envelope carries is
 * `unverified` until a quorum was counted; nothing here looks into it.
 */
import { KEY_BYTES, SIGNATURE_BYTES } from "./ed25519.ts";
import { fromBase64, fromHex, fromJson, isObject, toBase64 } from "./encoding.ts";
import { TrustError } from "./errors.ts";
import { MANIFEST_BYTES_MAX } from "./build-manifest.ts";

/** The one kind of payload a signed manifest has. */
export const PAYLOAD_TYPE = "application/vnd.moult.build.v1+json";

/** Signatures in one envelope: as many as a council has members. */
const SIGNATURES_MAX = 64;

/** Room for the rest of the envelope: each signature takes some 180 characters. */
const ENVELOPE_OVERHEAD_BYTES = 32_768;

/** The largest envelope: the largest manifest in base64, and its signatures. */
export const ENVELOPE_BYTES_MAX: number = Math.ceil(MANIFEST_BYTES_MAX / 3) * 4 + ENVELOPE_OVERHEAD_BYTES;

/** One signature and the key it claims to be by. */
export interface EnvelopeSignature {
  /** 64 hexadecimal digits. */
  readonly keyId: string;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

/** An envelope that is well formed. It says nothing yet about who signed. */
export interface Envelope {
  readonly unverifiedPayload: Uint8Array;
  readonly signatures: readonly EnvelopeSignature[];
}

/** Reads an envelope. Throws TrustError ENVELOPE_INVALID. */
export function parseEnvelope(bytes: Uint8Array): Envelope {
  if (bytes.length > ENVELOPE_BYTES_MAX) {
    throw invalid(`has ${bytes.length} bytes; at most ${ENVELOPE_BYTES_MAX} are allowed`);
  }
  const document = fromJson(bytes);
  if (document === undefined || !isObject(document.value)) throw invalid("is not a JSON object in UTF-8");
  const { payloadType, payload, signatures, ...rest } = document.value;
  if (Object.keys(rest).length > 0) throw invalid("has keys other than payloadType, payload and signatures");
  if (payloadType !== PAYLOAD_TYPE) throw invalid(`has a payloadType other than ${PAYLOAD_TYPE}`);
  const unverifiedPayload = typeof payload === "string" ? fromBase64(payload) : undefined;
  if (unverifiedPayload === undefined) throw invalid("has a payload that is not base64");
  if (!Array.isArray(signatures) || signatures.length > SIGNATURES_MAX) {
    throw invalid(`has no list of at most ${SIGNATURES_MAX} signatures`);
  }
  return { unverifiedPayload, signatures: signatures.map(readSignature) };
}

/** The envelope's bytes. */
export function formatEnvelope(envelope: Envelope): Uint8Array {
  const document = {
    payloadType: PAYLOAD_TYPE,
    payload: toBase64(envelope.unverifiedPayload),
    signatures: envelope.signatures.map(({ keyId, signature }) => ({ keyid: keyId, sig: toBase64(signature) })),
  };
  return new TextEncoder().encode(`${JSON.stringify(document, undefined, 2)}\n`);
}

function readSignature(value: unknown, index: number): EnvelopeSignature {
  const which = `has a signature (number ${index + 1})`;
  if (!isObject(value)) throw invalid(`${which} that is not an object`);
  const { keyid, sig, ...rest } = value;
  if (Object.keys(rest).length > 0) throw invalid(`${which} with keys other than keyid and sig`);
  if (typeof keyid !== "string" || fromHex(keyid)?.length !== KEY_BYTES) {
    throw invalid(`${which} whose keyid is not 64 lowercase hexadecimal digits`);
  }
  const signature = typeof sig === "string" ? fromBase64(sig) : undefined;
  if (signature?.length !== SIGNATURE_BYTES)
    throw invalid(`${which} whose sig is not ${SIGNATURE_BYTES} bytes in base64`);
  return { keyId: keyid, signature };
}

function invalid(message: string): TrustError {
  return new TrustError("ENVELOPE_INVALID", `The envelope ${message}.`);
}
