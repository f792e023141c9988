/** One member's signature on a file, and the signatures of several brought together. */
import { derivePublicKey, formatPublicKey } from "@moult/trust";
import { type MetadataHead, mergeFiles, rootIn, signFile } from "@moult/trust/tuf";
import { readPrivateKey } from "../commands/key/private-key.ts";
import { CliError, usageError } from "../errors.ts";
import { replaceFile } from "../files.ts";
import type { Answer } from "../output/print.ts";
import type { Ports } from "../ports.ts";
import { type MetadataFile, chosen, naming, readMetadata, writeMetadata } from "./files.ts";
import { fileAnswer, progressFor } from "./progress.ts";
import { reviewBeforeSigning } from "./review.ts";

/** What is signed. */
export interface SignRequest {
  readonly file: MetadataFile;
  readonly key: string;
  /** The file before it, to see what changes. */
  readonly previous: MetadataFile | undefined;
  /** The root that judges signatures: the one before a root, the newest one for a list. */
  readonly judge: MetadataFile | undefined;
  /** Where the signed file goes; back to where it came from where undefined. */
  readonly out: string | undefined;
  readonly force: boolean;
  readonly yes: boolean;
}

/** Shows, asks, signs and writes. Throws CliError. */
export async function signMetadata(ports: Ports, request: SignRequest): Promise<Answer> {
  const { file, judge, out } = request;
  const privateKey = readPrivateKey(request.key, ports);
  requireMember(file, judge, formatPublicKey(derivePublicKey(privateKey)));
  const { previous, yes } = request;
  await reviewBeforeSigning(ports, { file, ...(previous === undefined ? {} : { previous }), yes });
  const signed = withOthers(
    file,
    naming(file.path, () => signFile(file.bytes, privateKey)),
    judge,
  );
  // A signature is only ever added, so that the file may take its own place.
  if (out === undefined) replaceFile(file.path, signed);
  else writeMetadata(out, signed, request.force);
  const written = readMetadata(out ?? file.path, file.kind);
  return fileAnswer(written, progressFor(written, judge));
}

/**
 * With the signatures that others added while this member was reading. What was signed is what was shown, so a file that says
 * something else by now is refused. Throws CliError VERIFICATION.
 */
function withOthers(shown: MetadataFile, signed: Uint8Array, judge: MetadataFile | undefined): Uint8Array {
  const now = readMetadata(shown.path, shown.kind);
  if (now.signedDigest !== shown.signedDigest) {
    throw new CliError("VERIFICATION", `${shown.path} was changed while it was shown: nothing is signed.`, {
      advice: ["Read it again, and ask who changed it."],
    });
  }
  return naming(shown.path, () => mergeFiles([signed, now.bytes], judge?.bytes));
}

/** Brings signatures together and writes them. Throws CliError. */
export function mergeMetadata(request: {
  readonly kind: MetadataHead["kind"];
  readonly paths: readonly string[];
  readonly judge: MetadataFile | undefined;
  readonly out: string;
  readonly force: boolean;
}): Answer {
  const [first, ...others] = request.paths.map((path) => readMetadata(path, request.kind));
  if (first === undefined) throw usageError("Which files?", "Name the file of each member.");
  const bytes = [first.bytes, ...others.map((file) => file.bytes)] as const;
  const merged = naming(first.path, () => mergeFiles([...bytes], request.judge?.bytes));
  writeMetadata(request.out, merged, request.force);
  const written = readMetadata(request.out, request.kind);
  return fileAnswer(written, progressFor(written, request.judge));
}

/** A signature that counts for nothing is worse than none: its owner believes to have approved. */
function requireMember(file: MetadataFile, judge: MetadataFile | undefined, publicKey: string): void {
  const roots = [...(judge === undefined ? [] : [judge]), ...(file.kind === "root" ? [file] : [])];
  if (roots.length === 0) return;
  const role = file.kind === "root" ? "root" : "targets";
  const listed = roots.some(({ bytes }) => chosen(() => rootIn(bytes)).roles[role].keys.includes(publicKey));
  if (listed) return;
  const name = role === "targets" ? "council" : "root";
  throw usageError(`The key ${publicKey} is none of the ${name} keys, so its signature would count for nothing.`);
}
