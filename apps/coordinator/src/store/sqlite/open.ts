/** Opening a store file: its lock, its version, and whose it is. Nothing is changed in a store that is refused. */
import { accessSync, constants, existsSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StoreError, type StoreErrorCode } from "../port.ts";
import { ADDITIONS, MIGRATIONS } from "./schema.ts";

/** Opens or makes the file, brought forward to this version and held against others. Throws StoreError. */
export function openDatabase(path: string, network: string): DatabaseSync {
  const db = open(path);
  try {
    migrate(db, path);
    claim(db, network, path);
    add(db, path);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function open(path: string): DatabaseSync {
  checkWritable(path);
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
    lock(db, path);
    return db;
  } catch (cause) {
    db?.close();
    const why = (cause as Error).message;
    const message = why.includes("locked") ? "another coordinator holds it" : why;
    throw new StoreError("UNREADABLE", `the store at ${path} cannot be opened: ${message}`, { cause });
  }
}

/** What the engine says of a disk that takes no writes tells nobody what to do. A folder that is not there is its to name. */
function checkWritable(path: string): void {
  for (const place of [dirname(path), path].filter((found) => existsSync(found))) {
    try {
      accessSync(place, constants.W_OK);
    } catch (cause) {
      const why =
        (cause as NodeJS.ErrnoException).code === "EROFS" ? "its disk is read-only" : "this user may not write";
      throw new StoreError("UNWRITABLE", `the store at ${path} takes no writes: ${why}`, { cause });
    }
  }
}

/**
 * Keeps a second coordinator out for as long as this one lives: by a file beside the store, so that a backup can read the
 * store meanwhile. In this mode a file that was written once stays locked until its connection closes. A coordinator of
 * 0.1.0 locks the store itself, and each refuses the other.
 */
function lock(db: DatabaseSync, path: string): void {
  db.prepare("ATTACH DATABASE ? AS lock").run(`${path}-lock`);
  db.exec(`
    PRAGMA lock.locking_mode = EXCLUSIVE; PRAGMA lock.synchronous = OFF; PRAGMA lock.journal_mode = MEMORY;
    BEGIN EXCLUSIVE; PRAGMA lock.user_version = 1; COMMIT; PRAGMA busy_timeout = 1000;
  `);
}

/** The network that a store belongs to. Throws StoreError UNREADABLE where there is none. */
export function networkOf(db: DatabaseSync, path: string): string {
  return guarded("UNREADABLE", `the store at ${path} cannot be read`, () => {
    const value = db.prepare("SELECT value FROM meta WHERE key = 'network'").get()?.["value"];
    if (typeof value !== "string") throw new Error("it belongs to no network");
    return value;
  });
}

function migrate(db: DatabaseSync, path: string): void {
  const version = guarded("UNREADABLE", `the store at ${path} cannot be read`, () =>
    Number(db.prepare("PRAGMA user_version").get()?.["user_version"]),
  );
  if (version > MIGRATIONS.length) {
    throw new StoreError(
      "VERSION",
      `the store at ${path} is of version ${version}; this coordinator knows up to ${MIGRATIONS.length}: run a newer one`,
    );
  }
  guarded("UNWRITABLE", `the store at ${path} cannot be prepared`, () => {
    for (let next = version; next < MIGRATIONS.length; next += 1) {
      db.exec(`BEGIN IMMEDIATE; ${MIGRATIONS[next]}; PRAGMA user_version = ${next + 1}; COMMIT`);
    }
  });
}

function claim(db: DatabaseSync, network: string, path: string): void {
  const owner = guarded("UNWRITABLE", `the store at ${path} cannot be claimed`, () => {
    db.prepare("INSERT OR IGNORE INTO meta VALUES ('network', ?)").run(network);
    return db.prepare("SELECT value FROM meta WHERE key = 'network'").get()?.["value"] as string;
  });
  if (owner === network) return;
  throw new StoreError(
    "OTHER_NETWORK",
    `the store at ${path} belongs to network "${owner}", not to "${network}": give each network its own state_dir`,
  );
}

/** Not before the store is known to be ours. */
function add(db: DatabaseSync, path: string): void {
  guarded("UNWRITABLE", `the store at ${path} cannot be prepared`, () => {
    const added = Number(db.prepare("SELECT value FROM meta WHERE key = 'additions'").get()?.["value"] ?? 0);
    for (let next = added; next < ADDITIONS.length; next += 1) {
      const counted = `INSERT OR REPLACE INTO meta VALUES ('additions', '${next + 1}')`;
      db.exec(`BEGIN IMMEDIATE; ${ADDITIONS[next]}; ${counted}; COMMIT`);
    }
    // What was laid out anew stands in the log as well, and that keeps its size until it is cut.
    if (added < ADDITIONS.length) db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  });
}

/** Does it, and turns whatever the engine throws into a StoreError. */
export function guarded<T>(code: StoreErrorCode, message: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new StoreError(code, `${message}: ${(cause as Error).message}`, { cause });
  }
}
