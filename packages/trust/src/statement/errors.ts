/** The closed list of what can be wrong with a signed statement. Every code means "as if it had not been said". */

/** Why a statement was refused. */
export type StatementErrorCode =
  /** The envelope is too large or malformed. */
  | "ENVELOPE_INVALID"
  /** Signed as another kind of statement than was asked for. */
  | "OTHER_KIND"
  /** Fewer distinct keys signed it than are needed. */
  | "SIGNATURES_TOO_FEW"
  /** Signed, but the payload is none of this kind; `cause` is the reader's. */
  | "PAYLOAD_INVALID"
  /** Of another network. */
  | "OTHER_NETWORK"
  /** Past its expiry by T. */
  | "EXPIRED"
  /** Issued at a time that has not come, for a caller who knows the time. */
  | "ISSUED_LATER"
  /** It would hold for longer than its kind may. */
  | "LIVES_TOO_LONG";

/** A statement that must not be acted on. */
export class StatementError extends Error {
  readonly code: StatementErrorCode;

  constructor(code: StatementErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "StatementError";
    this.code = code;
  }
}
