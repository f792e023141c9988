/**
 * What a publisher remembers between two runs: the files it verified or made last. With it a coordinator that was put back
 * to an older state, or lies, cannot have the publisher sign older versions again.
 */
import { BYTES_MAX, type KeptMetadata, type MetadataStore, TufError, headIn } from "@moult/trust/tuf";
import { usageError } from "../errors.ts";
import { exists, readBounded, replaceFile } from "../files.ts";

/** Four files in base64. */
const FILE_BYTES_MAX = 2 * Object.values(BYTES_MAX).reduce((sum, bytes) => sum + bytes, 0);

const FILE_NAMES = ["root", "timestamp", "snapshot", "targets"] as const;

/** A store that also tells what it holds. */
export interface PublisherMemory extends MetadataStore {
  readonly kept: () => KeptMetadata;
}

/** A memory that begins with `root`, or with what the file at `path` holds where that is further. Throws CliError USAGE. */
export function openMemory(root: Uint8Array, path: string | undefined): PublisherMemory {
  let kept: KeptMetadata = (path !== undefined && exists(path) ? readMemory(path) : undefined) ?? {
    root,
    targets: new Map(),
  };
  return {
    kept: () => kept,
    load: async () => kept,
    save: async (next) => {
      if (path !== undefined) replaceFile(path, writeMemory(next));
      kept = next;
    },
  };
}

function writeMemory({ root, timestamp, snapshot, targets }: KeptMetadata): Uint8Array {
  const files = { root, timestamp, snapshot, targets: targets.get("targets") };
  const texts = FILE_NAMES.map((name) => [name, files[name] && Buffer.from(files[name]).toString("base64")]);
  return new TextEncoder().encode(`${JSON.stringify(Object.fromEntries(texts), undefined, 1)}\n`);
}

function readMemory(path: string): KeptMetadata {
  const files = new Map<string, Uint8Array>();
  const document = parse(path);
  for (const name of FILE_NAMES) {
    const text = document[name];
    if (text === undefined) continue;
    if (typeof text !== "string") throw damaged(path);
    files.set(name, new Uint8Array(Buffer.from(text, "base64")));
  }
  const [root, timestamp, snapshot, targets] = FILE_NAMES.map((name) => files.get(name));
  if (root === undefined) throw damaged(path);
  try {
    headIn(root);
  } catch (error) {
    if (error instanceof TufError) throw damaged(path);
    throw error;
  }
  return {
    root,
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(snapshot === undefined ? {} : { snapshot }),
    targets: new Map(targets === undefined ? [] : [["targets", targets]]),
  };
}

function parse(path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(readBounded(path, FILE_BYTES_MAX)));
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw damaged(path);
}

function damaged(path: string): Error {
  return usageError(
    `${path} is no publisher's memory.`,
    "Move it away and compare what is published with what you know: moult metadata status",
  );
}
