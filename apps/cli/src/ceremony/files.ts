/**
 * Metadata files as people carry them: bounded and judged in form on the way in, and never written over without consent.
 * Who may have signed is judged elsewhere.
 */
import { BYTES_MAX, type MetadataHead, TufError, headIn } from "@moult/trust/tuf";
import { CliError, usageError } from "../errors.ts";
import { exists, readBounded, replaceFile, writeNew } from "../files.ts";

/** What a kind is called by people. */
const KIND_WORDS: Readonly<Record<MetadataHead["kind"], string>> = {
  root: "a root",
  targets: "an allowlist",
  snapshot: "a snapshot",
  timestamp: "a timestamp",
};

/** Everybody may read metadata. */
const MODE = 0o644;

/** A metadata file and its head. */
export interface MetadataFile extends MetadataHead {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Reads a file that must be of this kind. Throws CliError USAGE for another kind, VERIFICATION for what is no metadata. */
export function readMetadata(path: string, kind: MetadataHead["kind"]): MetadataFile {
  const bytes = readBounded(path, BYTES_MAX.targets);
  const head = naming(path, () => headIn(bytes));
  if (head.kind === kind) return { path, bytes, ...head };
  throw usageError(`${path} is ${KIND_WORDS[head.kind]}, and ${KIND_WORDS[kind]} is wanted.`);
}

/** Writes a new file; one that is there is replaced only with `force`. */
export function writeMetadata(path: string, bytes: Uint8Array, force: boolean): void {
  if (force) return replaceFile(path, bytes);
  if (exists(path)) {
    throw usageError(`${path}: it exists already`, "Choose another --out, or replace it with --force.");
  }
  return writeNew(path, bytes, MODE);
}

/** Does `act`, and says of which file it was where metadata is refused. Throws CliError VERIFICATION. */
export function naming<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof TufError)) throw error;
    throw new CliError("VERIFICATION", `${path}: ${error.message} (${error.code})`, { cause: error });
  }
}

/** Does `act`, whose input the caller has chosen: what metadata does not allow is then wrong usage. */
export function chosen<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof TufError)) throw error;
    throw new CliError("USAGE", `${error.message} (${error.code})`, { cause: error });
  }
}
