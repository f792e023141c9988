import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "./open.ts";
import { MIGRATIONS } from "./schema.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "moult-store-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Code and message of the refusal; undefined where it opens. */
function opening(path: string): readonly string[] | undefined {
  try {
    openDatabase(path, "demo").close();
    return undefined;
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return [code, message.replace(path, "PATH")];
  }
}

/** Runs with the folder on a disk of its own, which can be made read-only; false where none can be mounted. */
function onDisk(work: (remount: (mode: "ro" | "rw") => void) => void): boolean {
  const run = (...args: string[]): void => void execFileSync("mount", args, { stdio: ["ignore", "ignore", "pipe"] });
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  try {
    run("-t", "tmpfs", "tmpfs", folder);
  } catch (error) {
    // Root in a container often may not.
    if (error instanceof Error) return false;
    throw error;
  }
  try {
    work((mode) => run("-o", `remount,${mode}`, folder));
  } finally {
    execFileSync("umount", ["-l", folder]);
  }
  return true;
}

test("a disk that is read-only is refused, with and without a store on it", ({ skip }) => {
  const path = join(folder, "moult.db");
  const refusal = ["UNWRITABLE", "the store at PATH takes no writes: its disk is read-only"];
  const done = onDisk((remount) => {
    remount("ro");
    expect(opening(path)).toEqual(refusal);
    remount("rw");
    expect(opening(path)).toBeUndefined();
    remount("ro");
    expect(opening(path)).toEqual(refusal);
    remount("rw");
    expect(opening(path)).toBeUndefined();
  });
  if (!done) skip("skipped: mounting a small file system takes root on Linux");
});

test("a store of a newer version, or of another network, is refused and stays as it was", () => {
  const path = join(folder, "moult.db");
  expect(opening(path)).toBeUndefined();
  const said = (sql: string): void => {
    const db = new DatabaseSync(path);
    db.exec(sql);
    db.close();
  };
  said(`PRAGMA user_version = ${MIGRATIONS.length + 1}`);
  expect(opening(path)).toEqual([
    "VERSION",
    `the store at PATH is of version ${MIGRATIONS.length + 1}; this coordinator knows up to ${MIGRATIONS.length}: run a newer one`,
  ]);
  said(`PRAGMA user_version = ${MIGRATIONS.length}; UPDATE meta SET value = 'other' WHERE key = 'network'`);
  expect(opening(path)).toEqual([
    "OTHER_NETWORK",
    'the store at PATH belongs to network "other", not to "demo": give each network its own state_dir',
  ]);
  said("UPDATE meta SET value = 'demo' WHERE key = 'network'");
  expect(opening(path)).toBeUndefined();
});
