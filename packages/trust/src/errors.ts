/**
 * The closed lists of what can be wrong with keys, manifests and signed manifests. Callers decide by `code`; messages
 * are for people and say what to do.
 */

/** Why a manifest was refused. */
export type ManifestErrorCode =
  /** More bytes than a manifest may have. */
  | "TOO_LARGE"
  /** Not UTF-8, not JSON, or not an object. */
  | "NOT_JSON"
  /** A schema this code does not know. */
  | "SCHEMA_UNKNOWN"
  | "KEY_MISSING"
  | "KEY_UNKNOWN"
  /** A value has the wrong type or is out of range. */
  | "VALUE_INVALID"
  /** A path that is absolute, climbs, hides, is too long or has characters that are not allowed. */
  | "PATH_INVALID"
  /** Two parts share a path (case is ignored), or one part's path is another one's folder. */
  | "PATH_REPEATED"
  /** One digest with two lengths. */
  | "PART_INCONSISTENT"
  /** `runtime`, `agent` or a hook names no part. */
  | "PART_UNKNOWN";

/** A manifest that must not be used. */
export class ManifestError extends Error {
  readonly code: ManifestErrorCode;
  /** Where, as in `parts[3].path`; empty for the whole document. */
  readonly field: string;

  constructor(code: ManifestErrorCode, field: string, message: string, cause?: unknown) {
    super(field === "" ? `The manifest ${message}.` : `The manifest's ${field} ${message}.`, { cause });
    this.name = "ManifestError";
    this.code = code;
    this.field = field;
  }
}

/** Why an envelope was refused. */
export type TrustErrorCode =
  /** The envelope is too large or malformed, or holds another kind of payload. */
  "ENVELOPE_INVALID";

/** An envelope that must not be used. */
export class TrustError extends Error {
  readonly code: TrustErrorCode;

  constructor(code: TrustErrorCode, message: string, more: { readonly cause?: unknown } = {}) {
    super(message, more);
    this.name = "TrustError";
    this.code = code;
  }
}

/** Why a key was refused. */
export type KeyErrorCode =
  /** A public key that is malformed, or a point nobody should sign with. */
  | "PUBLIC_KEY_INVALID"
  /** A private key of the wrong length. */
  | "PRIVATE_KEY_INVALID"
  /** A key file that holds no Ed25519 private key. */
  | "KEY_FILE_INVALID";

/** A key that must not be used. */
export class KeyError extends Error {
  readonly code: KeyErrorCode;

  constructor(code: KeyErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "KeyError";
    this.code = code;
  }
}
