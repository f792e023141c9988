/**
 * Cosignatures (C2SP tlog-cosignature, cosignature/v1): a witness says that, at a time, this was the largest tree of the log
 * it had seen, and that it grew out of all it had seen before. One witness counts once, however often it signed.
 */
import { SIGNATURE_BYTES, publicKeyOf, sign, verifyStrict } from "../ed25519.ts";
import { toHex } from "../encoding.ts";
import { AuditError } from "./errors.ts";
import { type Note, type NoteSignature, type VerifierKey, signaturesBy, verifierKey } from "./note.ts";

/** A cosignature that was found good. */
export interface Cosigned {
  readonly name: string;
  /** Seconds since 1970. */
  readonly timeS: number;
}

const TIME_BYTES = 8;

/** A witness's cosignature over a checkpoint's text. `timeS` is in seconds since 1970. */
export function cosign(text: string, name: string, privateKey: Uint8Array, timeS: number): NoteSignature {
  const { keyId } = verifierKey(name, "cosignature", publicKeyOf(privateKey));
  const time = Buffer.alloc(TIME_BYTES);
  time.writeBigUInt64BE(BigInt(timeS));
  return { name, keyId, signature: Buffer.concat([time, sign(cosignedBytes(text, timeS), privateKey)]) };
}

/** What a witness says of this text, where it says something; a cosignature of its that is wrong throws SIGNATURE_INVALID. */
export function openCosignature(note: Note, witness: VerifierKey): Cosigned | undefined {
  let newest: Cosigned | undefined;
  for (const { signature } of signaturesBy(note.signatures, witness)) {
    const timeS = timeOf(signature);
    const message = timeS === undefined ? undefined : cosignedBytes(note.unverifiedText, timeS);
    if (
      timeS === undefined ||
      message === undefined ||
      !verifyStrict(signature.subarray(TIME_BYTES), message, witness.publicKey)
    ) {
      throw new AuditError("SIGNATURE_INVALID", `The cosignature of ${witness.name} is not over this checkpoint.`);
    }
    if (newest === undefined || timeS > newest.timeS) newest = { name: witness.name, timeS };
  }
  return newest;
}

/** The witnesses that cosigned. Throws AuditError WITNESSES_TOO_FEW with less than `quorum` distinct keys, SIGNATURE_INVALID. */
export function requireWitnesses(note: Note, witnesses: readonly VerifierKey[], quorum: number): readonly Cosigned[] {
  const byKey = new Map(witnesses.map((witness) => [toHex(witness.publicKey), witness]));
  const cosigned = [...byKey.values()].flatMap((witness) => openCosignature(note, witness) ?? []);
  if (cosigned.length < quorum) {
    const who = cosigned.map(({ name }) => name).join(", ") || "nobody";
    throw new AuditError("WITNESSES_TOO_FEW", `${quorum} witnesses are wanted; ${cosigned.length} cosigned (${who}).`);
  }
  return cosigned;
}

function timeOf(signature: Uint8Array): number | undefined {
  if (signature.length !== TIME_BYTES + SIGNATURE_BYTES) return undefined;
  const time = Buffer.from(signature.subarray(0, TIME_BYTES)).readBigUInt64BE();
  return time > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(time);
}

function cosignedBytes(text: string, timeS: number): Uint8Array {
  return new TextEncoder().encode(`cosignature/v1\ntime ${timeS}\n${text}`);
}
