/** The command as people run it: a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestCoordinator, startTestCoordinator } from "./testing/test-coordinator.ts";
import { temporaryFolders } from "./testing/temporary-folder.ts";

const MAIN = join(import.meta.dirname, "main.ts");
const folder = temporaryFolders();
let coordinator: TestCoordinator;
beforeAll(async () => {
  coordinator = await startTestCoordinator();
});
afterAll(() => coordinator.stop());

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args], {
    env: { NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"], ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function ended(child: ChildProcess): Promise<Ended> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error("the child has no pipes");
  const [out, err] = await Promise.all([text(stdout), text(stderr), once(child, "close")]);
  return { code: child.exitCode, stdout: out, stderr: err };
}

function moult(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return ended(start(args, env));
}

test("answers on stdout, exits with 0, and holds on to nothing", async () => {
  coordinator.answer("getBrake", () => ({ brake: { engaged: true, reason: "smoke" } }));
  const got = await moult(["brake", "status", "-o", "json"], { MOULT_STATE_DIR: coordinator.stateDir });
  expect(got).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(got.stdout)).toEqual({ brake: { engaged: true, reason: "smoke" }, signed: [] });
});

test("makes real keys", async () => {
  const dir = folder();
  const shown: string[] = [];
  for (const name of ["a", "b"]) {
    const made = await moult(["key", "generate", "--out", join(dir, name), "-o", "json"]);
    shown.push((JSON.parse(made.stdout) as { publicKey: string }).publicKey);
  }
  expect(new Set(shown).size).toBe(2);
});

test("sentences on stderr and an exit code that says which kind, never a stack", async () => {
  for (const [args, code] of [
    [["--help"], 0],
    [[], 2],
    [["nonsense"], 2],
    [["key", "show", "/none"], 2],
    [["release", "verify", "/none", "--council", "/none"], 2],
  ] as const) {
    const run = await moult(args);
    expect([args, run.code]).toEqual([args, code]);
    expect(run.stderr).not.toMatch(/^\s+at /m);
  }
});

test("never waits for an answer that nobody can give", async () => {
  coordinator.answer("releaseBrake", () => ({ brake: {} }));
  const released = await moult(["brake", "release", "--reason", "x"], { MOULT_STATE_DIR: coordinator.stateDir });
  expect(released).toMatchObject({ code: 0 });
});

test("a watch ends with Ctrl-C, well", async () => {
  coordinator.answer("watchFleet", () => [{ committed: 3n }]);
  const child = start(["fleet", "watch", "-o", "json"], { MOULT_STATE_DIR: coordinator.stateDir });
  const all = ended(child);
  if (child.stdout === null) throw new Error("the child has no pipes");
  await once(child.stdout, "data");
  child.kill("SIGINT");
  expect(await all).toMatchObject({ code: 0, stderr: "" });
});

test("a reader that has seen enough is no error", async () => {
  coordinator.answer("watchFleet", () => Array.from({ length: 20_000 }, () => ({ committed: 3n })));
  const child = start(["fleet", "watch", "-o", "json"], { MOULT_STATE_DIR: coordinator.stateDir });
  if (child.stdout === null || child.stderr === null) throw new Error("the child has no pipes");
  await once(child.stdout, "data");
  child.stdout.destroy();
  const [stderr] = await Promise.all([text(child.stderr), once(child, "close")]);
  expect(stderr).toBe("");
  expect(child.exitCode).toBe(0);
});
