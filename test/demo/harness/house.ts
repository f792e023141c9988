/**
 * Everything of one demo that is not a decision: its temporary folder, its processes, and the promise that both are gone
 * when it ends, however it ends.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, realpath } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { plainEnvironment } from "./environment.ts";
import { Supervised } from "./supervised.ts";

/** One process to keep up. */
export interface HousePlan {
  readonly name: string;
  /** Arguments to the runtime, the script first. One of them must name the house's folder. */
  readonly args: readonly string[];
  readonly onMessage?: (message: unknown) => void;
}

/** The folder and the processes of one demo. */
export class House {
  readonly folder: string;
  readonly #janitor: ChildProcess;
  readonly #processes = new Map<string, Supervised>();
  readonly #hopeless = new AbortController();

  /** A new, empty house. From now on nothing of it outlives this process. */
  static async open(): Promise<House> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), "moult-demo-")));
    const script = join(import.meta.dirname, "janitor.ts");
    const stdio = ["pipe", "ignore", "inherit"] as const;
    const janitor = spawn(process.execPath, [script, folder], { detached: true, stdio: [...stdio] });
    await mkdir(join(folder, "logs"));
    return new House(folder, janitor);
  }

  private constructor(folder: string, janitor: ChildProcess) {
    this.folder = folder;
    this.#janitor = janitor;
  }

  /** Aborted with the reason when a process cannot be kept up. */
  get hopeless(): AbortSignal {
    return this.#hopeless.signal;
  }

  /** A path inside the folder. */
  path(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }

  /** Starts a process and keeps it up. */
  run(plan: HousePlan): Supervised {
    if (!plan.args.some((arg) => arg.includes(this.folder))) throw new Error(`${plan.name} does not name its folder`);
    const running = new Supervised({
      ...plan,
      env: plainEnvironment(process.env),
      logFile: this.path("logs", `${plan.name}.log`),
      onHopeless: (error) => this.#hopeless.abort(error),
    });
    this.#processes.set(plan.name, running);
    return running;
  }

  /** Pids of the processes that are kept up, by name. */
  pids(): Record<string, number> {
    const running = [...this.#processes].flatMap(([name, { pid }]) =>
      pid === undefined ? [] : [[name, pid] as const],
    );
    return Object.fromEntries(running);
  }

  /** Ends every process and removes the folder; copies the logs to `logsTo` first, where that is given. */
  async close(logsTo: string | undefined): Promise<void> {
    for (const running of this.#processes.values()) running.release();
    if (logsTo !== undefined) await cp(this.path("logs"), logsTo, { recursive: true });
    this.#janitor.stdin?.end();
    if (this.#janitor.exitCode === null) await once(this.#janitor, "exit");
  }
}
