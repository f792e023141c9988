/**
 * Signed notes (C2SP signed-note): text, and lines of signatures under it. A note's text is `unverified` until a key that
 * the reader trusts was found to have signed it; signatures of unknown keys are left alone, as the specification wants.
 */
import { hash } from "node:crypto";
import { KEY_BYTES, SIGNATURE_BYTES, isSoundPublicKey, publicKeyOf, sign, verifyStrict } from "../ed25519.ts";
import { fromBase64, toBase64, toHex } from "../encoding.ts";
import { AuditError } from "./errors.ts";

/** Room for 16 signatures of any kind that is assigned today; a checkpoint of ours has some 300 bytes. */
export const NOTE_BYTES_MAX = 131_072;

/** More signatures than any checkpoint carries; bounds the work of one reading. */
const SIGNATURES_MAX = 64;

/** What a key is used for: to sign notes, or to cosign checkpoints. */
export type KeyUse = "note" | "cosignature";

const TYPE_BYTES: Readonly<Record<KeyUse, number>> = { note: 0x01, cosignature: 0x04 };
const KEY_ID_BYTES = 4;

/** A key that signatures are checked against, with its name. */
export interface VerifierKey {
  readonly name: string;
  readonly use: KeyUse;
  /** 8 hexadecimal digits; bound to name, use and key, and no secret's worth of strength. */
  readonly keyId: string;
  readonly publicKey: Uint8Array;
}

/** One signature line. */
export interface NoteSignature {
  readonly name: string;
  /** 8 hexadecimal digits. */
  readonly keyId: string;
  readonly signature: Uint8Array;
}

/** A note that is well formed. It says nothing yet about who signed. */
export interface Note {
  /** With its final line break. */
  readonly unverifiedText: string;
  readonly signatures: readonly NoteSignature[];
}

// The names that a key may have: no Unicode spaces, no plus, no control characters.
const NAME = /^[^\s+\p{Cc}\p{Z}]{1,255}$/u;
const LINE = /^\u2014 ([^ ]+) ([A-Za-z0-9+/]+={0,2})$/u;
const VKEY_LENGTH_MAX = 512;

/** The key of `publicKey` under a name. Throws AuditError VKEY_INVALID. */
export function verifierKey(name: string, use: KeyUse, publicKey: Uint8Array): VerifierKey {
  if (!NAME.test(name)) throw noKey("has a name with spaces, plus signs or more than 255 characters");
  if (!isSoundPublicKey(publicKey)) throw noKey("is no Ed25519 key that can be signed with");
  return { name, use, keyId: keyIdOf(name, use, publicKey), publicKey };
}

/** The key as it is handed around: `name+keyid+base64`. */
export function formatVkey({ name, use, keyId, publicKey }: VerifierKey): string {
  return `${name}+${keyId}+${toBase64(Buffer.concat([Buffer.of(TYPE_BYTES[use]), publicKey]))}`;
}

/** Reads a key as it is handed around. Throws AuditError VKEY_INVALID. */
export function parseVkey(text: string, use: KeyUse): VerifierKey {
  const [name, keyId, base64] = text.length > VKEY_LENGTH_MAX ? [] : split(text);
  const bytes = base64 === undefined ? undefined : fromBase64(base64);
  if (name === undefined || bytes === undefined) throw noKey("is not written as name+keyid+base64");
  if (bytes.length !== 1 + KEY_BYTES || bytes[0] !== TYPE_BYTES[use]) throw noKey(`is not an Ed25519 key for a ${use}`);
  const key = verifierKey(name, use, bytes.subarray(1));
  if (key.keyId !== keyId) throw noKey("has an id that does not belong to it");
  return key;
}

function split(text: string): readonly string[] {
  // The base64 at the end may have plus signs of its own.
  const [, ...parts] = /^([^+]*)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]*)$/.exec(text) ?? [];
  return parts;
}

function keyIdOf(name: string, use: KeyUse, publicKey: Uint8Array): string {
  const input = Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(TYPE_BYTES[use]), publicKey]);
  return hash("sha256", input, "hex").slice(0, 2 * KEY_ID_BYTES);
}

/** Reads a note. Throws AuditError NOTE_INVALID. */
export function parseNote(bytes: Uint8Array): Note {
  if (bytes.length > NOTE_BYTES_MAX) throw noNote(`has ${bytes.length} bytes; at most ${NOTE_BYTES_MAX} are allowed`);
  const text = decode(bytes);
  if (text === undefined) throw noNote("is not UTF-8, or has control characters");
  const end = text.lastIndexOf("\n\n");
  if (end < 1 || !text.endsWith("\n")) throw noNote("has no text with signatures under it");
  return { unverifiedText: text.slice(0, end + 1), signatures: parseSignatures(text.slice(end + 2)) };
}

/** Reads signature lines, as they stand under a note. Throws AuditError NOTE_INVALID. */
export function parseSignatures(text: string): readonly NoteSignature[] {
  if (!text.endsWith("\n")) throw noNote("has no line break after its last signature");
  const lines = text.slice(0, -1).split("\n");
  if (lines.length > SIGNATURES_MAX) throw noNote(`has more than ${SIGNATURES_MAX} signatures`);
  return lines.map((line) => {
    const [, name = "", base64 = ""] = LINE.exec(line) ?? [];
    const bytes = fromBase64(base64);
    if (!NAME.test(name) || bytes === undefined || bytes.length <= KEY_ID_BYTES) {
      throw noNote("has a line that is no signature");
    }
    return { name, keyId: toHex(bytes.subarray(0, KEY_ID_BYTES)), signature: bytes.slice(KEY_ID_BYTES) };
  });
}

/** The signature lines, each with its line break. */
export function formatSignatures(signatures: readonly NoteSignature[]): string {
  return signatures
    .map(({ name, keyId, signature }) => {
      return `\u2014 ${name} ${toBase64(Buffer.concat([Buffer.from(keyId, "hex"), signature]))}\n`;
    })
    .join("");
}

/** The note's bytes. */
export function formatNote({ unverifiedText, signatures }: Note): Uint8Array {
  return new TextEncoder().encode(`${unverifiedText}\n${formatSignatures(signatures)}`);
}

/** The signature over a note's text by a private key that is known under `name`. */
export function signNote(text: string, name: string, privateKey: Uint8Array): NoteSignature {
  const { keyId } = verifierKey(name, "note", publicKeyOf(privateKey));
  return { name, keyId, signature: sign(new TextEncoder().encode(text), privateKey) };
}

/** The signatures that claim to be by `key`. */
export function signaturesBy(signatures: readonly NoteSignature[], key: VerifierKey): readonly NoteSignature[] {
  return signatures.filter(({ name, keyId }) => name === key.name && keyId === key.keyId);
}

/** The text, once `key` is found to have signed it. Throws AuditError SIGNATURE_INVALID. */
export function openNote(note: Note, key: VerifierKey): string {
  const claimed = signaturesBy(note.signatures, key);
  if (claimed.length === 0) throw new AuditError("SIGNATURE_INVALID", `The note is not signed by ${key.name}.`);
  const bytes = new TextEncoder().encode(note.unverifiedText);
  for (const { signature } of claimed) {
    if (signature.length !== SIGNATURE_BYTES || !verifyStrict(signature, bytes, key.publicKey)) {
      throw new AuditError("SIGNATURE_INVALID", `The note has a signature of ${key.name} that is not over its text.`);
    }
  }
  return note.unverifiedText;
}

/** The text of well-formed UTF-8 without control characters other than line breaks; otherwise undefined. */
function decode(bytes: Uint8Array): string | undefined {
  if (bytes.some((byte) => byte < 0x20 && byte !== 0x0a)) return undefined;
  const text = Buffer.from(bytes).toString("utf8");
  return Buffer.compare(Buffer.from(text), bytes) === 0 ? text : undefined;
}

function noNote(message: string): AuditError {
  return new AuditError("NOTE_INVALID", `The note ${message}.`);
}

function noKey(message: string): AuditError {
  return new AuditError("VKEY_INVALID", `The key ${message}.`);
}
