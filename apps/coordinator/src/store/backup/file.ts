/**
 * The backup's file: lines of JSON, gzipped. The first says whose it is, the last how many rows there are and the SHA-256 of
 * every line before it, so that a file that was cut off or damaged is told from a whole one before anything is restored.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, fsyncSync, openSync, closeSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { StoreError } from "../port.ts";
import { type BackupRow, BACKUP_TABLES } from "./tables.ts";

/** The format's number. A reader refuses one that it does not know. */
const FORMAT = 1;

/** What a backup says of itself. */
export interface BackupHeader {
  readonly moult_backup: number;
  readonly network: string;
  readonly engine: "sqlite" | "postgres";
  /** Milliseconds since the epoch. */
  readonly at_ms: number;
}

/** A row and its table. */
export interface TableRow {
  readonly table: string;
  readonly row: BackupRow;
}

/** Only who keeps the store may read what is in it. */
const MODE = 0o600;

/** Writes a backup; the file is there when it is whole and durable. Answers the number of rows. */
export async function writeBackup(
  path: string,
  header: Omit<BackupHeader, "moult_backup">,
  rows: AsyncIterable<TableRow>,
): Promise<number> {
  const made = `${path}.new`;
  const digest = createHash("sha256");
  let count = 0;
  const line = (value: object): string => {
    const text = `${JSON.stringify(value)}\n`;
    digest.update(text);
    return text;
  };
  const lines = async function* (): AsyncGenerator<string> {
    yield line({ moult_backup: FORMAT, ...header });
    for await (const row of rows) {
      count += 1;
      yield line(row);
    }
    yield `${JSON.stringify({ rows: count, sha256: digest.digest("hex") })}\n`;
  };
  try {
    await pipeline(Readable.from(lines()), createGzip({ level: 3 }), createWriteStream(made, { mode: MODE }));
    sync(made);
    renameSync(made, path);
    sync(dirname(path));
  } catch (error) {
    rmSync(made, { force: true });
    throw error;
  }
  return count;
}

function sync(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Reads a backup to its end and holds it against its digest. `visit` sees every row. Throws StoreError UNREADABLE. */
export async function readBackup(
  path: string,
  visit: (row: TableRow) => void,
): Promise<BackupHeader & { rows: number }> {
  const broken = (why: string, cause?: unknown): StoreError =>
    new StoreError("UNREADABLE", `${path} is no whole backup: ${why}`, { cause });
  const digest = createHash("sha256");
  let header: BackupHeader | undefined;
  let end: { readonly rows?: unknown; readonly sha256?: unknown } | undefined;
  let rows = 0;
  try {
    for await (const text of linesOf(path)) {
      if (end !== undefined) throw broken("there is something after its end");
      const value = JSON.parse(text) as Partial<BackupHeader> & Partial<TableRow> & { readonly sha256?: unknown };
      if (value.sha256 !== undefined) {
        end = value;
        continue;
      }
      digest.update(`${text}\n`);
      if (header === undefined) {
        if (value.moult_backup !== FORMAT) throw broken(`its format is ${value.moult_backup}, not ${FORMAT}`);
        header = value as BackupHeader;
        continue;
      }
      const { table = "", row } = value;
      if (row === undefined || !Object.hasOwn(BACKUP_TABLES, table)) throw broken(`it holds a table "${table}"`);
      rows += 1;
      visit({ table, row });
    }
  } catch (cause) {
    throw cause instanceof StoreError ? cause : broken((cause as Error).message, cause);
  }
  if (header === undefined || end === undefined) throw broken("it was cut off");
  if (end.rows !== rows || end.sha256 !== digest.digest("hex")) throw broken("it was damaged");
  return { ...header, rows };
}

/** The rows of a backup that was read before. */
export async function* rowsOf(path: string): AsyncGenerator<TableRow> {
  for await (const text of linesOf(path)) {
    const value = JSON.parse(text) as Partial<TableRow>;
    if (value.table !== undefined && value.row !== undefined) yield { table: value.table, row: value.row };
  }
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const file = createReadStream(path);
  const plain = createGunzip();
  // `readline` does not pass on what goes wrong before it.
  const done = pipeline(file, plain);
  done.catch(() => undefined);
  yield* createInterface({ input: plain, crlfDelay: Infinity });
  await done;
}
