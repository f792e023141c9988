/** The command as processes of its own: runs to an end, and witnesses that serve. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const MOULT = join(import.meta.dirname, "../../apps/cli/src/main.ts");

/** What is waited for here takes several processes' starts, on a machine that may be busy. */
const DEADLINE_MS = 60_000;
/** Between two looks. */
const LOOK_MS = 50;

/** The first value that `look` finds; fails after the deadline and says what was waited for. */
export async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const endMs = Date.now() + DEADLINE_MS;
  while (Date.now() < endMs) {
    const found = await look();
    if (found !== undefined) return found;
    await pause(LOOK_MS);
  }
  throw new Error(`not within ${DEADLINE_MS} ms: ${what}`);
}

/** How a run ended. */
export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `moult` with these arguments to its end. */
export function moult(...args: readonly string[]): Promise<Run> {
  const env = { NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] };
  const child = spawn(process.execPath, [MOULT, ...args], { stdio: ["ignore", "pipe", "pipe"], env });
  const [stdout, stderr] = [textOf(child.stdout), textOf(child.stderr)];
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout: stdout(), stderr: stderr() }));
  });
}

/** A witness. */
export class WitnessProcess {
  readonly #child: ChildProcess;
  readonly #stdout: () => string;
  readonly #ended: Promise<void>;

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(process.execPath, [MOULT, "witness", "serve", "-o", "json", ...args], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"], ...env },
    });
    this.#stdout = textOf(this.#child.stdout);
    this.#ended = new Promise((resolve) => this.#child.on("close", () => resolve()));
  }

  /** What it answered, in order. */
  get answers(): readonly { readonly answer?: string; readonly size?: number }[] {
    const lines = this.#stdout().split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as { readonly answer?: string; readonly size?: number });
  }

  /** Its URL, once it serves. */
  serves(): Promise<string> {
    return until("the witness serves", () => /"serving":"([^"]+)"/.exec(this.#stdout())?.[1]);
  }

  /** Kills it, as a power cut does. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }
}

function textOf(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = [];
  stream?.on("data", (chunk: Buffer) => void chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}
