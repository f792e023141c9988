/**
 * Writes entries as a tar archive in the ustar format (POSIX.1-1988): owned by root, with one time for all. Equal entries
 * give equal bytes, whoever writes them and wherever.
 */
import { createReadStream } from "node:fs";
import type { ImageEntry } from "./tree.ts";

const BLOCK_BYTES = 512;
const NAME_BYTES_MAX = 100;
const PREFIX_BYTES_MAX = 155;
const TYPES = { file: "0", link: "2", directory: "5" } as const;

/** An entry that does not fit the format, or a source that is not as long as it was said to be. */
export class TarError extends Error {
  readonly code = "TAR_IMPOSSIBLE";
}

/** The archive, piece by piece. `epochS` is the time of everything, in seconds since 1970. Throws TarError. */
export async function* writeTar(entries: readonly ImageEntry[], epochS: number): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    const lengthBytes = lengthOf(entry);
    yield header(entry, lengthBytes, epochS);
    let writtenBytes = 0;
    for await (const piece of bytesOf(entry)) {
      writtenBytes += piece.length;
      yield piece;
    }
    if (writtenBytes !== lengthBytes) {
      throw new TarError(`${entry.path} has ${writtenBytes} bytes and not ${lengthBytes}`);
    }
    if (lengthBytes % BLOCK_BYTES > 0) yield new Uint8Array(BLOCK_BYTES - (lengthBytes % BLOCK_BYTES));
  }
  yield new Uint8Array(2 * BLOCK_BYTES);
}

function lengthOf(entry: ImageEntry): number {
  if (entry.kind !== "file") return 0;
  return "bytes" in entry ? entry.bytes.length : entry.lengthBytes;
}

async function* bytesOf(entry: ImageEntry): AsyncGenerator<Uint8Array> {
  if (entry.kind !== "file") return;
  if ("bytes" in entry) yield entry.bytes;
  else yield* createReadStream(entry.source) as AsyncIterable<Uint8Array>;
}

function header(entry: ImageEntry, lengthBytes: number, epochS: number): Uint8Array {
  const block = Buffer.alloc(BLOCK_BYTES);
  const { name, prefix } = splitPath(`./${entry.path}${entry.kind === "directory" ? "/" : ""}`);
  const mode = entry.kind === "link" ? 0o777 : entry.kind === "directory" || entry.executable ? 0o755 : 0o644;
  const number = (value: number, offset: number, digits: number): void => {
    block.write(`${value.toString(8).padStart(digits, "0")}\0`, offset, "latin1");
  };
  block.write(name, 0, "latin1");
  number(mode, 100, 7);
  number(0, 108, 7);
  number(0, 116, 7);
  number(lengthBytes, 124, 11);
  number(epochS, 136, 11);
  block.write(TYPES[entry.kind], 156, "latin1");
  if (entry.kind === "link") block.write(entry.target, 157, NAME_BYTES_MAX, "latin1");
  block.write("ustar\u000000", 257, "latin1");
  block.write("root", 265, "latin1");
  block.write("root", 297, "latin1");
  number(0, 329, 7);
  number(0, 337, 7);
  block.write(prefix, 345, "latin1");
  // The sum is taken with blanks in its own place.
  block.fill(" ", 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** A long path is cut at a `/`, the front of it going into a field of its own. */
function splitPath(path: string): { readonly name: string; readonly prefix: string } {
  if (path.length <= NAME_BYTES_MAX) return { name: path, prefix: "" };
  for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1)) {
    const [prefix, name] = [path.slice(0, slash), path.slice(slash + 1)];
    if (prefix.length <= PREFIX_BYTES_MAX && name.length > 0 && name.length <= NAME_BYTES_MAX) return { name, prefix };
  }
  throw new TarError(`${path} is too long a path for an archive`);
}
