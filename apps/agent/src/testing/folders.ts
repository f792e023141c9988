/** Folders for tests, gone when the test is over. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** Has something done when the test is over. Tests that run beside others hand in their own `onTestFinished`. */
export type AtEnd = (end: () => void | Promise<void>) => void;

/** A new, empty folder. Its path is short: sockets have to fit. */
export function makeFolder(atEnd: AtEnd = onTestFinished): string {
  const folder = mkdtempSync(join(tmpdir(), "mlt-"));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
