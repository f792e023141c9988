/** The closed list of what can be wrong with bytes of an audit log. Callers decide by `code`; messages are for people. */

/** Why bytes of a log were refused. */
export type AuditErrorCode =
  /** Not a signed note: too large, malformed, or without a signature line. */
  | "NOTE_INVALID"
  /** A verifier's key that is malformed, of another type, or no sound Ed25519 key. */
  | "VKEY_INVALID"
  /** No signature by the key that had to sign, or one that does not verify. */
  | "SIGNATURE_INVALID"
  /** The note's text is no checkpoint, or one of another log. */
  | "CHECKPOINT_INVALID"
  /** Fewer distinct witnesses cosigned than the quorum wants. */
  | "WITNESSES_TOO_FEW"
  /** A tile, an entry bundle or a path that breaks the format. */
  | "TILE_INVALID"
  /** A proof that does not prove what it is given for, or one that cannot exist. */
  | "PROOF_INVALID"
  /** A leaf that is not in the canonical form, or of another version or network. */
  | "LEAF_INVALID"
  /** The sequence numbers of one pool's log do not follow each other. */
  | "SEQUENCE_BROKEN"
  /** Entries, tiles and checkpoint do not belong together. */
  | "TREE_MISMATCH"
  /** The log is smaller than, or differs from, what was seen of it before. */
  | "HISTORY_CHANGED"
  /** A request to a witness that breaks the format. */
  | "REQUEST_INVALID";

/** Bytes of a log that must not be believed. */
export class AuditError extends Error {
  readonly code: AuditErrorCode;

  constructor(code: AuditErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "AuditError";
    this.code = code;
  }
}
