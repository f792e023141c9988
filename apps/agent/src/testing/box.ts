/** A whole device as processes: the bundled launcher, the agents it starts, the workload; and what stands on its disk. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BootRecord, chooseBootRecord, decodeBootRecord, slotLayout, unseal } from "@moult/slots";
import { onTestFinished } from "vitest";
import { SOCKET_VARIABLE } from "../adapters/work/find.ts";
import { findByEnvironment } from "../adapters/work/process-facts.ts";
import { signalIfThere, watchEnd } from "../adapters/work/process-group.ts";
import { provisionDevice } from "../deploy/provision.ts";
import { AGENT_OF_VARIABLE } from "../launcher/leftovers.ts";
import { deviceLayout } from "../layout.ts";
import { type Durable, decodeDurable } from "../update/durable.ts";
import type { AtEnd } from "./folders.ts";
import type { TestBuild } from "./test-build.ts";
import { until } from "./until.ts";

/** Times of a device in a hurry: what is minutes in a home is fractions of a second here. */
export const HURRIED: Readonly<Record<string, unknown>> = {
  wake_interval_ms: 300,
  first_ask_within_ms: 100,
  nudge_jitter_ms: 50,
  pulse_interval_ms: 200,
  reconnect_min_ms: 50,
  reconnect_max_ms: 500,
  work_poll_interval_ms: 100,
  quiet_ms: 200,
  log_level: "info",
};

/** What a box is made of. */
export interface BoxOptions {
  /** A folder for what is needed to make it. */
  readonly root: string;
  /** The device's folder, with a short path; without it, `d` below `root`. */
  readonly dir?: string;
  readonly factory: TestBuild;
  /** Path of `launcher.mjs`. */
  readonly launcher: string;
  /** Keys of `device.yaml`. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly atEnd?: AtEnd;
}

/** A line of the launcher's or the agent's log. */
export interface LogLine {
  readonly name: string;
  readonly msg: string;
  readonly [key: string]: unknown;
}

/** A device. */
export class Box {
  readonly dir: string;
  /** What launcher and agents have said since the box was made. */
  readonly log: LogLine[] = [];
  readonly #launcher: string;
  #process: ChildProcess | undefined;

  private constructor(dir: string, launcher: string, atEnd: AtEnd) {
    this.dir = dir;
    this.#launcher = launcher;
    atEnd(() => this.cutPower());
  }

  /** Makes the device as a vendor would; it is not switched on. */
  static async flash(options: BoxOptions): Promise<Box> {
    const { root, dir = join(root, "d"), factory, launcher, config, atEnd = onTestFinished } = options;
    const buildDir = join(root, "build");
    mkdirSync(join(buildDir, "parts"), { recursive: true });
    writeFileSync(join(buildDir, "signed.json"), factory.envelope);
    for (const [digest, bytes] of factory.parts) writeFileSync(join(buildDir, "parts", digest), bytes);
    const device = await provisionDevice({ deviceDir: dir, buildDir, launcher, config: { ...HURRIED, ...config } });
    return new Box(dir, device.launcher, atEnd);
  }

  /** Starts the launcher. `env` comes on top of this process's environment. */
  switchOn(env: Readonly<Record<string, string>> = {}): void {
    const child = spawn(process.execPath, [this.#launcher, "--config", join(this.dir, "device.yaml")], {
      stdio: ["ignore", "pipe", "inherit"],
      // What tests keep compiled is not for programs of which each lies in a folder of its own.
      env: { ...process.env, NODE_COMPILE_CACHE: undefined, ...env },
    });
    this.#process = child;
    let rest = "";
    child.stdout?.on("data", (data: Buffer) => {
      const lines = (rest + data.toString("utf8")).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.log.push(JSON.parse(line) as LogLine);
    });
  }

  /** Ends everything in an orderly way. */
  async switchOff(): Promise<void> {
    this.#process?.kill("SIGTERM");
    await this.#launcherEnded();
  }

  /** Ends the launcher and its agents at once; the workload goes on. */
  async killUpdater(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#launcherEnded();
    await kill(`${AGENT_OF_VARIABLE}=${this.dir}`);
  }

  /** Ends everything at once, as when the plug is pulled. What was written stays written. */
  async cutPower(): Promise<void> {
    await this.killUpdater();
    await kill(`${SOCKET_VARIABLE}=${deviceLayout(this.dir).workSocket}`);
  }

  /** The process that is written down in the device's `run` folder; 0 where none is. */
  pidOf(what: "agent" | "workload"): number {
    const file = join(this.dir, "run", what);
    const record = existsSync(file) ? unseal(readFileSync(file)) : undefined;
    return (record as { pid: number } | undefined)?.pid ?? 0;
  }

  /** The process of the workload, once there is one. */
  workload(): Promise<number> {
    return until("the workload", () => this.pidOf("workload") || undefined, 30_000);
  }

  /** The two files of the boot record; empty where there is none. */
  recordFiles(): readonly [Buffer, Buffer] {
    const read = (name: string): Buffer => {
      const path = join(slotLayout(this.dir).state, name);
      return statSync(path, { throwIfNoEntry: false })?.isFile() === true ? readFileSync(path) : Buffer.alloc(0);
    };
    return [read("boot-0"), read("boot-1")];
  }

  /** The boot record as the launcher would read it. */
  record(): BootRecord | undefined {
    const [first, second] = this.recordFiles();
    return chooseBootRecord([decodeBootRecord(first), decodeBootRecord(second)])?.newest.record;
  }

  /** The agent's memory as it would read it. */
  durable(): Durable | undefined {
    const file = deviceLayout(this.dir).stateFile;
    return existsSync(file) ? decodeDurable(readFileSync(file)) : undefined;
  }

  /** How often an agent was started in this slot since the box was made. */
  startsIn(slot: string): number {
    return this.log.filter(({ msg }) => msg.startsWith(`starting the agent in slot ${slot}`)).length;
  }

  async #launcherEnded(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    await until("the launcher's end", () => child.exitCode !== null || child.signalCode !== null);
  }
}

/** Kills every process whose environment has the entry, and what it led. */
async function kill(entry: string): Promise<void> {
  for (const process of await findByEnvironment(entry)) {
    signalIfThere(process.groupId === process.pid ? -process.pid : process.pid, "SIGKILL");
    await watchEnd(process);
  }
}
