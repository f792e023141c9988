/** Folders for tests, gone when the test is over. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A new, empty folder. Its path is short: sockets have to fit. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "mlt-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
