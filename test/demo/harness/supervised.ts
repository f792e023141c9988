/**
 * A process of the demo, kept up as an init system would: one that ends is started again, soon at first and more slowly
 * if it keeps ending. It is in a process group of its own, so that Ctrl-C reaches the demo and not its parts.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";

/** Waits before a restart, in milliseconds: at once for an accident, slower for something that cannot start. */
const RESTART_MIN_MS = 100;
const RESTART_MAX_MS = 2000;
/** A process that ran this long had come up, in milliseconds. */
const CAME_UP_MS = 5000;
/** A process that ends this often without having come up never will. */
const FAILURES_MAX = 6;
/** How much of a log is shown for a process that does not come up, in characters. */
const TAIL_CHARS = 2000;

/** What to run. */
export interface ProcessPlan {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** Called with each message of the process. */
  readonly onMessage?: (message: unknown) => void;
  /** Called when it does not come up, with a text that says why as far as its log does. */
  readonly onHopeless: (error: Error) => void;
}

/** The process, and those that take its place. */
export class Supervised {
  readonly #plan: ProcessPlan;
  #child: ChildProcess | undefined;
  #stopped = false;
  #failures = 0;

  constructor(plan: ProcessPlan) {
    this.#plan = plan;
    this.#start();
  }

  /** Of the process that runs now; undefined between two. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  send(message: object): void {
    if (this.#child?.connected === true) this.#child.send(message, () => undefined);
  }

  /** Lets it run, but does not start it again. */
  release(): void {
    this.#stopped = true;
  }

  #start(): void {
    const { args, env, logFile, onMessage } = this.#plan;
    const log = openSync(logFile, "a");
    const stdio = onMessage === undefined ? (["ignore", log, log] as const) : (["ignore", log, log, "ipc"] as const);
    const startedMs = performance.now();
    const child = spawn(process.execPath, args, { env, detached: true, stdio: [...stdio] });
    closeSync(log);
    this.#child = child;
    if (onMessage !== undefined) child.on("message", onMessage);
    child.once("error", (error) => this.#ended(startedMs, error.message));
    child.once("exit", (code, signal) => this.#ended(startedMs, signal ?? `exit code ${code}`));
  }

  #ended(startedMs: number, how: string): void {
    this.#child = undefined;
    if (this.#stopped) return;
    this.#failures = performance.now() - startedMs > CAME_UP_MS ? 0 : this.#failures + 1;
    if (this.#failures >= FAILURES_MAX) {
      this.#stopped = true;
      this.#plan.onHopeless(new Error(`${this.#plan.name} does not stay up (${how}). Its log ends:\n${this.#tail()}`));
      return;
    }
    const waitMs = Math.min(RESTART_MAX_MS, RESTART_MIN_MS * 2 ** Math.max(0, this.#failures - 1));
    setTimeout(() => {
      if (!this.#stopped) this.#start();
    }, waitMs);
  }

  #tail(): string {
    return readFileSync(this.#plan.logFile, "utf8").slice(-TAIL_CHARS);
  }
}
