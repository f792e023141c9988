/** Why a delta is of no use. */

export type DeltaErrorCode =
  /** Its head breaks a rule of the format. */
  | "MALFORMED"
  /** It is for another part, or from another one. */
  | "OTHER_PART"
  /** It brings no fewer bytes than the part has. */
  | "TOO_LONG"
  /** What it starts from cannot be read here any more. */
  | "OLD_UNREADABLE"
  /** A chunk does not unpack to what the head says. */
  | "CHUNK_WRONG";

/** A delta that is of no use. The part itself may still be had whole. */
export class DeltaError extends Error {
  readonly code: DeltaErrorCode;

  constructor(code: DeltaErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "DeltaError";
    this.code = code;
  }
}
