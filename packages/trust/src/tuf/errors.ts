/**
 * The closed list of what can be wrong with TUF metadata. Callers decide by `code` and `role`; messages are for people.
 * Every code means "keep what was trusted before".
 */

/** Why metadata, or a refresh, was refused. */
export type TufErrorCode =
  /** More bytes than this file may have. */
  | "TOO_LARGE"
  /** Not UTF-8, not JSON, nested too deep, too many values, a key twice, a number that is no safe integer. */
  | "NOT_JSON"
  /** JSON, but not in the form that this role has. */
  | "FORM_INVALID"
  /** A key of the wrong type, not sound, under an id that is not its own, or in two roles that must be apart. */
  | "KEY_INVALID"
  /** A threshold of 0, or one that the role's distinct keys can never reach. */
  | "THRESHOLD_INVALID"
  /** Fewer distinct keys signed these bytes than the role's threshold. */
  | "SIGNATURES_TOO_FEW"
  /** A root that is not exactly the next one. */
  | "ROOT_NOT_NEXT"
  /** More new roots than one refresh may walk; those that were verified are kept, so the next refresh goes on. */
  | "ROOTS_TOO_MANY"
  /** Older than what was trusted before. */
  | "ROLLED_BACK"
  /** Not the file that its parent names: another version, length or hash. */
  | "MIXED"
  /** Past its expiry by T. For a timestamp: nothing newer was offered, so somebody may be holding news back. */
  | "EXPIRED"
  /** Of another network than the trusted root. */
  | "OTHER_NETWORK"
  /** The source has no such file, and one must be there. */
  | "NOT_FOUND"
  /** The source failed; `cause` says how. */
  | "SOURCE_FAILED"
  /** What was verified could not be kept; `cause` says how. */
  | "STORE_FAILED"
  /** The library refused what the wrapper had found right. Worth a report: one of the two is wrong. */
  | "LIBRARY_REFUSED";

/** Metadata that must not be used, or a refresh that came to nothing. */
export class TufError extends Error {
  readonly code: TufErrorCode;
  /** The role whose file it is: `root`, `timestamp`, `snapshot`, `targets`, or a delegated role's name. */
  readonly role: string;

  constructor(code: TufErrorCode, role: string, message: string, cause?: unknown) {
    super(`${role}: ${message}.`, { cause });
    this.name = "TufError";
    this.code = code;
    this.role = role;
  }
}
