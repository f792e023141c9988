/**
 * Keys, signatures and manifests: bytes in, verdict out. Everything here is synchronous and pure but for the randomness
 * of `generateKey`; nothing reads a file, a clock or a socket, and no other package of Moult is imported.
 *
 * Approval is in `./tuf`; an envelope around a manifest is how it travels, and its signatures say nothing here.
 */
export { digestOf, isDigest } from "./digest.ts";
export {
  ENVELOPE_BYTES_MAX,
  type Envelope,
  type EnvelopeSignature,
  PAYLOAD_TYPE,
  formatEnvelope,
  parseEnvelope,
} from "./dsse.ts";
export { sign, verifyStrict } from "./ed25519.ts";
export {
  KeyError,
  type KeyErrorCode,
  ManifestError,
  type ManifestErrorCode,
  TrustError,
  type TrustErrorCode,
} from "./errors.ts";
export { readKeyFile, writeKeyFile } from "./key-file.ts";
export { type KeyPair, derivePublicKey, formatPublicKey, generateKey, keyId, parsePublicKey } from "./keys.ts";
export {
  type BuildManifest,
  HOOK_NAMES,
  MANIFEST_BYTES_MAX,
  MANIFEST_SCHEMA,
  type ManifestPart,
  type ManifestWorkload,
  type TrialRule,
} from "./build-manifest.ts";
export { parseManifest } from "./manifest.ts";
export {
  type Moment,
  SLOW_RULES_DEFAULT,
  TIME_MAX_MS,
  TIME_RULES_DEFAULT,
  type TimeEvent,
  type TimeFloor,
  type TimeRules,
  beginTime,
  readTimeFloor,
  stepTime,
  timeAt,
} from "./time-floor/time-floor.ts";
