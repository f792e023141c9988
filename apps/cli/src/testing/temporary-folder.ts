/** A folder of its own for each test of a file, removed at the end. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { mkdirSync } from "node:fs";
import { afterAll } from "vitest";

/** Makes new folders under one that is removed after the last test. */
export function temporaryFolders(): () => string {
  const root = mkdtempSync(join(tmpdir(), "moult-cli-test-"));
  let count = 0;
  afterAll(() => rmSync(root, { recursive: true }));
  return () => {
    count += 1;
    const folder = join(root, String(count));
    mkdirSync(folder);
    return folder;
  };
}

/** Writes files, making their folders; returns the folder. */
export function writeFiles(folder: string, files: Readonly<Record<string, string>>): string {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}
