/**
 * Executes the commands of the documents, each document as one shell session in a new folder, exactly as a reader would
 * type them in a checkout whose tools are on the PATH. A command that fails fails the document. A comment of the page may hold
 * commands too: what a thief does is no advice to readers.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { shellBlocks } from "./shell-blocks.ts";

const ROOT = join(import.meta.dirname, "../..");
const DEADLINE_MS = 200_000;
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Runs the blocks in one shell. The shell leads a process group, so that what it left running can be ended. */
async function runDocument(name: string): Promise<{ readonly code: number | null; readonly output: string }> {
  const folder = mkdtempSync(join(tmpdir(), "moult-docs-"));
  folders.push(folder);
  const script = shellBlocks(readFileSync(join(ROOT, "docs", name), "utf8")).join("\n");
  const shell = spawn("bash", ["-euo", "pipefail", "-c", `${script}\nwait`], {
    cwd: folder,
    detached: true,
    env: {
      ...process.env,
      CHECKOUT: ROOT,
      PATH: `${join(ROOT, "node_modules/.bin")}${delimiter}${process.env["PATH"] ?? ""}`,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const take = (bytes: Buffer): void => {
    output += bytes.toString();
  };
  shell.stdout.on("data", take);
  shell.stderr.on("data", take);
  const endGroup = (signal: NodeJS.Signals): void => {
    try {
      if (shell.pid !== undefined) process.kill(-shell.pid, signal);
    } catch (error) {
      // Nobody left in the group: nothing to end.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  };
  const late = setTimeout(() => endGroup("SIGKILL"), DEADLINE_MS);
  const code = await new Promise<number | null>((resolve) => shell.once("exit", resolve));
  clearTimeout(late);
  endGroup("SIGKILL");
  return { code, output };
}

test.each(["keys.md", "runbooks.md", "operator.md", "integrator.md", "vendor.md"])(
  "the commands of docs/%s work",
  async (name) => {
    const { code, output } = await runDocument(name);
    expect(code, output).toBe(0);
  },
);
