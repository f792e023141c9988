/**
 * Signed manifests: a build is approved when a quorum of the council signed its manifest's bytes.
 *
 * Parties: council members each sign on their own machine with their own key; coordinators, mirrors and devices carry
 * envelopes and each verify them by themselves against the council they were configured with. Threat: whoever carries an
 * envelope may alter it, drop or repeat signatures, or relabel them; the worst that comes of it is a refusal. Bytes are
 * `unverified` until the quorum was counted, and are parsed only then.
 */
import { type Council, checkCouncil } from "./council.ts";
import { digestOf } from "./digest.ts";
import { type Envelope, formatEnvelope, parseEnvelope, signedBytes } from "./dsse.ts";
import { sign, verifyStrict } from "./ed25519.ts";
import { fromJson, isObject } from "./encoding.ts";
import { ManifestError, TrustError } from "./errors.ts";
import { derivePublicKey, keyId } from "./keys.ts";
import type { BuildManifest } from "./build-manifest.ts";
import { parseManifest } from "./manifest.ts";

/** A manifest that a quorum signed. */
export interface VerifiedManifest {
  /** The manifest's bytes as they were signed. */
  readonly bytes: Uint8Array;
  /** The build's digest: the SHA-256 of `bytes`. */
  readonly digest: string;
  readonly manifest: BuildManifest;
  /** Ids of the council keys that signed, sorted; at least the threshold. */
  readonly signedBy: readonly string[];
}

/**
 * The manifest in an envelope, once the council's quorum is found to have signed it. The caller still judges network,
 * platform, counter and from-versions. Throws TrustError; every code of it means "do not use".
 */
export function verifySignedManifest(envelopeBytes: Uint8Array, council: Council): VerifiedManifest {
  const { threshold } = checkCouncil(council);
  const envelope = parseEnvelope(envelopeBytes);
  const signedBy = signersOf(envelope, council);
  if (signedBy.length < threshold) {
    throw new TrustError(
      "SIGNATURES_TOO_FEW",
      `${signedBy.length} of the ${threshold} council keys that are needed signed this manifest.`,
      { signedBy },
    );
  }
  const bytes = envelope.unverifiedPayload;
  return { bytes, digest: digestOf(bytes), manifest: parseSigned(bytes), signedBy };
}

/** Ids of the council's keys with a good signature in the envelope, sorted, each once. */
export function signersOf(envelope: Envelope, council: Council): readonly string[] {
  const { keysById } = checkCouncil(council);
  const message = signedBytes(envelope.unverifiedPayload);
  const signers = new Set<string>();
  for (const { keyId, signature } of envelope.signatures) {
    // A signature is judged under the key its id names and no other; ids are digests of keys, so a key has one id.
    const key = keysById.get(keyId);
    if (key === undefined || signers.has(keyId)) continue;
    if (verifyStrict(signature, message, key)) signers.add(keyId);
  }
  return [...signers].sort();
}

/**
 * Adds a signature to an envelope, or makes the first envelope of a manifest. Signing twice with one key changes
 * nothing; other signatures stay. Nobody signs what would be refused later: throws ManifestError for a manifest that
 * breaks a rule, TrustError ENVELOPE_INVALID, KeyError PRIVATE_KEY_INVALID.
 */
export function signManifest(envelopeOrManifest: Uint8Array, privateKey: Uint8Array): Uint8Array {
  const envelope = readEither(envelopeOrManifest);
  const payload = envelope.unverifiedPayload;
  parseManifest(payload);
  const id = keyId(derivePublicKey(privateKey));
  const signature = sign(signedBytes(payload), privateKey);
  const others = envelope.signatures.filter((s) => s.keyId !== id);
  return formatEnvelope({ unverifiedPayload: payload, signatures: [...others, { keyId: id, signature }] });
}

/**
 * One envelope with the signatures of all. They must carry the same bytes. A signature is not judged here; a key that
 * signed in several keeps its different signatures, so that a bad one cannot displace a good one. Throws TrustError
 * ENVELOPE_INVALID.
 */
export function mergeEnvelopes(envelopes: readonly [Uint8Array, ...Uint8Array[]]): Uint8Array {
  const [first, ...others] = envelopes.map(parseEnvelope) as [Envelope, ...Envelope[]];
  const payload = first.unverifiedPayload;
  const signatures = new Map<string, Envelope["signatures"][number]>();
  for (const envelope of [first, ...others]) {
    if (Buffer.compare(envelope.unverifiedPayload, payload) !== 0) {
      throw new TrustError("ENVELOPE_INVALID", "The envelopes hold different manifests; merge those of one build.");
    }
    for (const s of envelope.signatures) signatures.set(`${s.keyId} ${Buffer.from(s.signature).toString("hex")}`, s);
  }
  const merged = formatEnvelope({ unverifiedPayload: payload, signatures: [...signatures.values()] });
  parseEnvelope(merged); // Too many signatures are refused now, not by whoever gets the result.
  return merged;
}

/** An envelope names its payload's type; a manifest never does. */
function readEither(bytes: Uint8Array): Envelope {
  const document = fromJson(bytes);
  if (document !== undefined && isObject(document.value) && Object.hasOwn(document.value, "payloadType")) {
    return parseEnvelope(bytes);
  }
  return { unverifiedPayload: bytes, signatures: [] };
}

function parseSigned(bytes: Uint8Array): BuildManifest {
  try {
    return parseManifest(bytes);
  } catch (error) {
    if (error instanceof ManifestError) throw new TrustError("MANIFEST_INVALID", error.message, { cause: error });
    throw error;
  }
}
