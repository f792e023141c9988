/** The whole demo as anybody would run it: to its end, with gate 3 forced open, and ended in the middle. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Figures } from "./figures.ts";
import type { Pids } from "./harness/pid-file.ts";
import { listProcesses } from "./harness/process-list.ts";
import { until } from "./harness/until.ts";

/** A whole run, on a machine that does other things too, in milliseconds. */
const RUN_MS = 200_000;

interface Run {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  /** Progress and summary. */
  readonly stderr: () => string;
}

function startDemo(...words: string[]): Run {
  const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), ...words]);
  const text = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text.stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (text.stderr += chunk));
  return { child, stdout: () => text.stdout, stderr: () => text.stderr };
}

/** The run's temporary folder, once it has said which it is. */
async function folderOf(run: Run): Promise<string> {
  const named = (): string | undefined => /all in (\S+)/.exec(run.stderr())?.[1];
  await until("the demo names its folder", 60_000, () => named() !== undefined);
  return named() ?? "";
}

async function left(folder: string): Promise<unknown> {
  return { folder: existsSync(folder), processes: await listProcesses(folder) };
}

const NOTHING = { folder: false, processes: [] };

describe("npm run demo -- --json", () => {
  it("moves every node, loses no request, and leaves nothing", { timeout: RUN_MS }, async () => {
    const run = startDemo("--json");
    const folder = await folderOf(run);
    const [exitCode] = (await once(run.child, "exit")) as [number];
    const figures = JSON.parse(run.stdout().trimEnd().split("\n").at(-1) ?? "") as Figures;
    expect({ exitCode, ...figures }, run.stderr()).toMatchObject({
      exitCode: 0,
      nodes: 12,
      committed: 12,
      reverted: 2,
      requestsFailed: 0,
      capacityFloorHeld: true,
    });
    expect(figures.requestsTotal).toBeGreaterThan(5000);
    expect(Math.min(...Object.values(figures.refusals))).toBeGreaterThan(0);
    expect(await left(folder)).toEqual(NOTHING);
  });

  // From here on nothing is judged by times, and most of it is waiting for a fleet: all at once.
  it.concurrent("loses requests where gate 3 is forced open", { timeout: RUN_MS }, async ({ expect }) => {
    const run = startDemo("--json", "--force-gate", "3", "--nodes", "6");
    const folder = await folderOf(run);
    const [exitCode] = (await once(run.child, "exit")) as [number];
    const figures = JSON.parse(run.stdout().trimEnd().split("\n").at(-1) ?? "") as Figures;
    expect(exitCode, run.stderr()).toBe(0);
    expect(figures.requestsFailed).toBeGreaterThan(0);
    expect(await left(folder)).toEqual(NOTHING);
  });

  it.concurrent.for(["SIGINT", "SIGKILL"] as const)(
    "leaves nothing after %s in the middle",
    { timeout: RUN_MS },
    async (signal, { expect }) => {
      const run = startDemo("--json", "--nodes", "4");
      const folder = await folderOf(run);
      await until("workloads run", 90_000, async () => {
        const text = await readFile(join(folder, "pids.json"), "utf8").catch(() => "{}");
        return ((JSON.parse(text) as Partial<Pids>).workloads?.length ?? 0) > 0;
      });
      run.child.kill(signal);
      await once(run.child, "exit");
      if (signal === "SIGINT") expect(run.child.exitCode).toBe(130);
      await until("everything is gone", 15_000, async () => {
        return !existsSync(folder) && (await listProcesses(folder)).length === 0;
      });
    },
  );
});
