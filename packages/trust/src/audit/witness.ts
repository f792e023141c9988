/**
 * The witness protocol (C2SP tlog-witness): the text of a request, and what a witness may answer to it. The decision is a
 * pure function of the request, the logs that are known and the last tree that was cosigned; who calls it must store the
 * new tree, atomically with the decision, before the cosignature goes out.
 */
import { fromBase64, toBase64 } from "../encoding.ts";
import { type Checkpoint, type SignedCheckpoint, openCheckpoint, unverifiedOrigin } from "./checkpoint.ts";
import { AuditError } from "./errors.ts";
import { EMPTY_ROOT, HASH_BYTES, sameHash } from "./hash.ts";
import { NOTE_BYTES_MAX, type VerifierKey, formatNote, parseNote } from "./note.ts";
import { PROOF_HASHES_MAX, verifyConsistency } from "./proof.ts";

/** The largest request: a checkpoint and 63 hashes. */
export const REQUEST_BYTES_MAX: number = NOTE_BYTES_MAX + 4_096;

/** The type of an answer that only says how large the last tree was. */
export const SIZE_CONTENT_TYPE = "text/x.tlog.size";

/** A request to cosign. */
export interface AddCheckpoint {
  readonly oldSize: number;
  readonly proof: readonly Uint8Array[];
  /** The signed note, not yet looked into. */
  readonly unverifiedNote: Uint8Array;
}

/** The tree that a witness cosigned last for a log. */
export type Witnessed = Pick<Checkpoint, "size" | "root">;

/** What a witness answers. Only COSIGN changes anything. */
export type WitnessAnswer =
  | { readonly kind: "COSIGN"; readonly checkpoint: SignedCheckpoint }
  /** 400: the request breaks the format, or its old tree is larger than its new one. */
  | { readonly kind: "BAD_REQUEST"; readonly why: string }
  /** 403: not signed by the log's key. */
  | { readonly kind: "FORBIDDEN" }
  /** 404: a log that is not witnessed here. */
  | { readonly kind: "UNKNOWN_LOG" }
  /** 409: the old size is not that of the last tree. */
  | { readonly kind: "OTHER_SIZE"; readonly size: number }
  /** 409: the same size with another root. The log showed two histories. */
  | { readonly kind: "OTHER_ROOT"; readonly size: number; readonly checkpoint: SignedCheckpoint }
  /** 422: the new tree does not grow out of the last one. The log may have shown two histories. */
  | { readonly kind: "UNPROVEN"; readonly checkpoint: SignedCheckpoint };

/** The request's bytes. */
export function formatAddCheckpoint({ oldSize, proof, unverifiedNote }: AddCheckpoint): Uint8Array {
  const head = [`old ${oldSize}`, ...proof.map((hash) => toBase64(hash)), "", ""].join("\n");
  return Buffer.concat([Buffer.from(head), unverifiedNote]);
}

const OLD = /^old (0|[1-9][0-9]{0,15})$/;

/** Reads a request. Throws AuditError REQUEST_INVALID. */
export function parseAddCheckpoint(bytes: Uint8Array): AddCheckpoint {
  if (bytes.length > REQUEST_BYTES_MAX) throw invalid(`has more than ${REQUEST_BYTES_MAX} bytes`);
  const end = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf("\n\n");
  if (end < 0) throw invalid("has no empty line before the checkpoint");
  const [first = "", ...lines] = Buffer.from(bytes.subarray(0, end)).toString("latin1").split("\n");
  const oldSize = Number(OLD.exec(first)?.[1] ?? Number.NaN);
  if (!Number.isSafeInteger(oldSize)) throw invalid("does not begin with the old size");
  if (lines.length > PROOF_HASHES_MAX) throw invalid(`has a proof of more than ${PROOF_HASHES_MAX} hashes`);
  const proof = lines.map((line) => {
    const hash = fromBase64(line);
    if (hash?.length !== HASH_BYTES) throw invalid("has a line in its proof that is no hash");
    return hash;
  });
  return { oldSize, proof, unverifiedNote: bytes.slice(end + 2) };
}

/**
 * Decides on a request's bytes. `logs` are the keys of the logs that are witnessed; `last` gives the tree that was
 * cosigned last, undefined where there is none.
 */
export function decideAddCheckpoint(
  bytes: Uint8Array,
  logs: readonly VerifierKey[],
  last: (origin: string) => Witnessed | undefined,
): WitnessAnswer {
  try {
    const { oldSize, proof, unverifiedNote } = parseAddCheckpoint(bytes);
    const origin = unverifiedOrigin(parseNote(unverifiedNote));
    const keys = logs.filter(({ name }) => name === origin);
    if (keys.length === 0) return { kind: "UNKNOWN_LOG" };
    const checkpoint = openWithAny(unverifiedNote, keys);
    return checkpoint === undefined ? { kind: "FORBIDDEN" } : decide(oldSize, proof, checkpoint, last(origin));
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    return { kind: "BAD_REQUEST", why: error.message };
  }
}

function decide(
  oldSize: number,
  proof: readonly Uint8Array[],
  checkpoint: SignedCheckpoint,
  last: Witnessed = { size: 0, root: EMPTY_ROOT },
): WitnessAnswer {
  const { size, root } = checkpoint;
  if (oldSize > size) return { kind: "BAD_REQUEST", why: "The old size is larger than the checkpoint's." };
  if (oldSize !== last.size) return { kind: "OTHER_SIZE", size: last.size };
  if (size === last.size && !sameHash(root, last.root)) return { kind: "OTHER_ROOT", size, checkpoint };
  const isGrowth = verifyConsistency({ oldSize, oldRoot: last.root, size, root }, proof);
  return isGrowth ? { kind: "COSIGN", checkpoint } : { kind: "UNPROVEN", checkpoint };
}

/** The checkpoint, where one of the log's keys signed it; a log that changes its key has two for a while. */
function openWithAny(note: Uint8Array, keys: readonly VerifierKey[]): SignedCheckpoint | undefined {
  for (const key of keys) {
    try {
      return openCheckpoint(note, key);
    } catch (error) {
      if (!(error instanceof AuditError) || error.code !== "SIGNATURE_INVALID") throw error;
    }
  }
  return undefined;
}

/** A checkpoint's bytes with more signature lines under it. */
export function addSignatures(
  checkpoint: SignedCheckpoint,
  more: SignedCheckpoint["note"]["signatures"],
): SignedCheckpoint {
  const { note } = checkpoint;
  return { ...checkpoint, note: { ...note, signatures: [...note.signatures, ...more] } };
}

/** The bytes of a checkpoint's note. */
export function checkpointBytes(checkpoint: SignedCheckpoint): Uint8Array {
  return formatNote(checkpoint.note);
}

function invalid(message: string): AuditError {
  return new AuditError("REQUEST_INVALID", `The request ${message}.`);
}
