/** Opening a store file: its lock, its version, and whose it is. Nothing is changed in a store that is refused. */
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
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    // EXCLUSIVE keeps a second coordinator out for as long as this one lives.
    db.exec(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON",
    );
    return db;
  } catch (cause) {
    db?.close();
    const why = (cause as Error).message;
    const message = why.includes("locked") ? "another coordinator holds it" : why;
    throw new StoreError("UNREADABLE", `the store at ${path} cannot be opened: ${message}`, { cause });
  }
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
