/** A coordinator as a process of its own, for what only a process can show: being killed, being refused, its exit code. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Clients, openClients } from "./clients.ts";
import { until } from "./wait.ts";

const MAIN = join(import.meta.dirname, "..", "main.ts");

/** A start among many others, on a machine that has two cores. */
const START_MS = 30_000;

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  readonly stdout: string;
}

/** A process. */
export class CoordinatorProcess {
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;
  #clients: Clients | undefined;

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const child = spawn(process.execPath, [MAIN, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"] ?? "", NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"], ...env },
    });
    this.#child = child;
    let stderr = "";
    let stdout = "";
    child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdout?.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    this.ended = new Promise((resolve) => {
      child.on("close", (code, signal) => resolve({ code, signal, stderr, stdout }));
    });
  }

  get clients(): Clients {
    if (this.#clients === undefined) throw new Error("the process does not serve");
    return this.#clients;
  }

  /** Resolves when it serves. `stateDir` is where it writes its endpoints; under the name of the replica that it is. */
  async serves(stateDir: string, replica?: string): Promise<Clients> {
    const path = join(stateDir, replica === undefined ? "endpoints.json" : `endpoints-${replica}.json`);
    const look = (): { readonly grpc: string; readonly artifacts: string } | undefined => {
      if (!existsSync(path)) return undefined;
      const endpoints = JSON.parse(readFileSync(path, "utf8")) as { grpc: string; artifacts: string; pid: number };
      return endpoints.pid === this.#child.pid ? endpoints : undefined;
    };
    // Who has ended will never serve, and said why.
    const ended = this.ended.then(({ code, signal, stderr }) => {
      throw new Error(`the coordinator ended with ${code ?? signal} instead of serving: ${stderr}`);
    });
    const at = await Promise.race([until("the coordinator serves", look, START_MS), ended]);
    this.#clients = openClients(stateDir, at);
    return this.#clients;
  }

  /** Tells it to stop; its clients stay open. */
  stop(): void {
    this.#child.kill("SIGTERM");
  }

  /** Sends a signal that it outlives. */
  signal(signal: "SIGHUP" | "SIGSTOP" | "SIGCONT" | "SIGUSR2"): void {
    this.#child.kill(signal);
  }

  /** Sends a signal and waits for the end. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<Ending> {
    this.#clients?.close();
    this.#child.kill(signal);
    return this.ended;
  }
}
