/** The command, run to its end as a process of its own. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Scene } from "./attack.ts";
import { preload } from "./preload.ts";

const MOULT = join(import.meta.dirname, "../../../apps/cli/src/main.ts");

/** How a run ended. */
export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `moult` with these arguments. */
export async function moult(scene: Scene, ...args: readonly string[]): Promise<Run> {
  const { env: more, check } = preload(scene, "moult");
  const env = { NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"], ...more };
  const child = spawn(process.execPath, [MOULT, ...args], { stdio: ["ignore", "pipe", "pipe"], env });
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on("data", (chunk: Buffer) => void stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => void stderr.push(chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  check();
  return { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}
