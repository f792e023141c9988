/**
 * What a witness remembers: for each log the last tree it cosigned. In an SQLite file with `synchronous=FULL`, locked for
 * as long as the witness lives, so that no second one on the same file can cosign another history.
 */
import { DatabaseSync } from "node:sqlite";
import { type SignedCheckpoint, type Witnessed, checkpointBytes } from "@moult/trust/audit";
import { usageError } from "../errors.ts";

/** The memory. Its calls are synchronous: what was decided is written before anything else can be decided. */
export interface WitnessMemory {
  readonly last: (origin: string) => Witnessed | undefined;
  /** Durable when it returns. */
  readonly keep: (checkpoint: SignedCheckpoint) => void;
  readonly close: () => void;
}

/** Opens or makes the file. Throws CliError USAGE where another witness holds it. */
export function openWitnessMemory(path: string): WitnessMemory {
  const db = open(path);
  const select = db.prepare("SELECT size, root FROM witnessed WHERE origin = ?");
  const upsert = db.prepare("INSERT OR REPLACE INTO witnessed VALUES (?, ?, ?, ?)");
  return {
    last(origin) {
      const row = select.get(origin);
      return row && { size: Number(row["size"]), root: row["root"] as Uint8Array };
    },
    keep: (checkpoint) =>
      void upsert.run(checkpoint.origin, checkpoint.size, checkpoint.root, checkpointBytes(checkpoint)),
    close: () => db.close(),
  };
}

function open(path: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    db.exec(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" +
        "CREATE TABLE IF NOT EXISTS witnessed (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, " +
        "note BLOB NOT NULL) STRICT",
    );
    return db;
  } catch (cause) {
    db?.close();
    const why = (cause as Error).message;
    throw usageError(`${path} cannot be used: ${why.includes("locked") ? "another witness holds it" : why}`);
  }
}
