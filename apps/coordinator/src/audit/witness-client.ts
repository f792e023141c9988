/**
 * One witness as the log sees it: gets a checkpoint, answers with a cosignature or with what it saw before. Nothing it says
 * is believed but its own signatures; a larger tree that it claims to have seen stops the log from signing.
 */
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import {
  AuditError,
  NOTE_BYTES_MAX,
  type NoteSignature,
  type SignedCheckpoint,
  type VerifierKey,
  addSignatures,
  checkpointBytes,
  formatAddCheckpoint,
  openCosignature,
  parseSignatures,
} from "@moult/trust/audit";

/** How a submission ended. */
export type Submission =
  | { readonly kind: "COSIGNED"; readonly signatures: readonly NoteSignature[] }
  /** The witness saw a tree of this size last. */
  | { readonly kind: "OTHER_SIZE"; readonly size: number }
  /** The witness saw another tree: it answers 409 at the same size, or 422. */
  | { readonly kind: "OTHER_TREE" }
  /** No answer, or one that says nothing about the tree. */
  | { readonly kind: "NO_ANSWER"; readonly why: string };

/** A witness. */
export interface Witness {
  /** URL of its submission prefix, without a slash at the end. */
  readonly url: string;
  readonly key: VerifierKey;
}

const SIZE = /^(0|[1-9][0-9]{0,15})\n$/;

/** Asks a witness to cosign growth from `oldSize`. Never throws for what a witness does. */
export async function submit(
  witness: Witness,
  oldSize: number,
  proof: readonly Uint8Array[],
  checkpoint: SignedCheckpoint,
  deadlineMs: number,
): Promise<Submission> {
  const body = formatAddCheckpoint({ oldSize, proof, unverifiedNote: checkpointBytes(checkpoint) });
  try {
    const { status, text } = await post(`${witness.url}/add-checkpoint`, body, deadlineMs);
    if (status === 200) return readCosignature(witness, checkpoint, text);
    if (status === 422) return { kind: "OTHER_TREE" };
    if (status !== 409) return { kind: "NO_ANSWER", why: `it answered ${status}` };
    const size = Number(SIZE.exec(text)?.[1] ?? Number.NaN);
    if (!Number.isSafeInteger(size) || size === oldSize) return { kind: "OTHER_TREE" };
    return { kind: "OTHER_SIZE", size };
  } catch (error) {
    return { kind: "NO_ANSWER", why: error instanceof Error ? error.message : String(error) };
  }
}

function readCosignature(witness: Witness, checkpoint: SignedCheckpoint, text: string): Submission {
  try {
    const signatures = parseSignatures(text).filter(
      ({ name, keyId }) => name === witness.key.name && keyId === witness.key.keyId,
    );
    if (openCosignature(addSignatures(checkpoint, signatures).note, witness.key) !== undefined) {
      return { kind: "COSIGNED", signatures };
    }
    return { kind: "NO_ANSWER", why: "its cosignature is not by the key that was configured" };
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    return { kind: "NO_ANSWER", why: error.message };
  }
}

/** The deadline is over the whole exchange, so that a slow drip ends too. */
function post(
  url: string,
  body: Uint8Array,
  deadlineMs: number,
): Promise<{ readonly status: number; readonly text: string }> {
  const open = url.startsWith("https:") ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(deadlineMs);
    const headers = { "content-type": "text/plain", "content-length": body.length };
    const running = open(url, { method: "POST", headers, signal }, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on("data", (chunk: Buffer) => {
        length += chunk.length;
        if (length > NOTE_BYTES_MAX) running.destroy(new Error("its answer is too long"));
        else chunks.push(chunk);
      });
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
      );
    });
    running.on("error", reject);
    running.end(body);
  });
}
