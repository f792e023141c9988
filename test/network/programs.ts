/** The programs of a lab: real coordinators, agents and `moult`, each at its place, with what they log kept. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { provisionDevice } from "@moult/agent";
import { buildRelease } from "@moult/cli";
import { TestNetwork } from "@moult/trust/testing";
import { compiled, plainEnvironment } from "../demo/harness/environment.ts";
import { until } from "../demo/harness/until.ts";
import { COORDINATOR, MOULT } from "../demo/fleet/sources.ts";
import { FIRST, FIRST_IP6, NAME, SECOND, type Lab, type Place } from "./lab.ts";

const AGENT = join(import.meta.dirname, "..", "..", "apps", "agent", "src", "main.ts");
const NETWORK = "nat";
const COMES_UP_MS = 20_000;

/** A line of a program's log. */
export interface LogLine {
  readonly msg: string;
  readonly [fact: string]: unknown;
}

/** A process and what it has logged so far. */
export class Program {
  readonly lines: LogLine[] = [];
  readonly #child: ChildProcess;
  #rest = "";
  #other = "";

  constructor(command: readonly string[], env: Readonly<Record<string, string>>) {
    const [file = "", ...args] = command;
    this.#child = spawn(file, args, {
      env: { ...plainEnvironment(process.env), ...compiled(), ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => this.#take(text));
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.#other += text));
  }

  get runs(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Undefined while it runs, and where a signal ended it. */
  get exitCode(): number | undefined {
    return this.#child.exitCode ?? undefined;
  }

  /** How often it has logged this. */
  count(msg: string): number {
    return this.lines.filter((line) => line.msg === msg).length;
  }

  /** For whoever looks into a failure. */
  get tail(): string {
    return `${this.lines
      .slice(-15)
      .map((line) => JSON.stringify(line))
      .join("\n")}\n${this.#other.slice(-2_000)}`;
  }

  async kill(): Promise<void> {
    if (!this.runs) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }

  #take(text: string): void {
    const parts = (this.#rest + text).split("\n");
    this.#rest = parts.pop() ?? "";
    for (const part of parts) {
      if (part.startsWith("{")) this.lines.push(JSON.parse(part) as LogLine);
      else this.#other += `${part}\n`;
    }
  }
}

/** Everything that runs in one lab, and its folder. */
export class Programs {
  readonly #lab: Lab;
  readonly #folder: string = mkdtempSync(join(tmpdir(), "moult-network-"));
  readonly #rootFile = join(this.#folder, "root.json");
  readonly #started: Program[] = [];
  #token = "";

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** Makes what all share: a build, the root of trust, and the folder of both coordinators with a token. */
  async prepare(): Promise<void> {
    const file = join(this.#folder, "part");
    writeFileSync(file, "a part");
    const buildDir = join(this.#folder, "build");
    const part = (path: string) => ({ path, file, executable: false });
    await buildRelease(
      {
        network: NETWORK,
        version: "1.0.0",
        releaseCounter: 1,
        platform: { os: process.platform, arch: process.arch },
        fromVersions: [],
        runtime: "runtime/node",
        agent: "agent/agent.mjs",
        workload: { kind: "none", health_timeout_ms: 5_000, soak_ms: 0 },
        parts: [part("runtime/node"), part("agent/agent.mjs")],
      },
      { out: buildDir },
    );
    writeFileSync(this.#rootFile, new TestNetwork({ network: NETWORK }).flashedRoot);
    const first = await this.coordinator("first");
    const made = await this.moult(["token", "create", "--pool", "home", "--uses", "9", "--for", "1h", "-o", "json"]);
    this.#token = (JSON.parse(made) as { enrollmentToken: string }).enrollmentToken;
    await first.kill();
    cpSync(this.#state("first"), this.#state("second"), { recursive: true });
  }

  /** A coordinator that listens; both have one authority and began from one store. */
  async coordinator(which: "first" | "second"): Promise<Program> {
    const state = this.#state(which);
    const file = join(this.#folder, `${which}.yaml`);
    const config = {
      network: NETWORK,
      state_dir: state,
      grpc: { host: "::", port: which === "first" ? 7443 : 7444 },
      tls_names: [FIRST, SECOND, FIRST_IP6, NAME],
      root_file: this.#rootFile,
      log_level: "info",
    };
    // JSON is YAML too.
    writeFileSync(file, JSON.stringify(config));
    rmSync(join(state, "endpoints.json"), { force: true });
    const program = this.#start("net", [COORDINATOR, "--config", file]);
    await until(`the ${which} coordinator listens`, COMES_UP_MS, () => existsSync(join(state, "endpoints.json")));
    return program;
  }

  /** An agent at home, flashed and switched on. */
  async agent(
    place: Place,
    name: string,
    config: Readonly<Record<string, unknown>>,
    node: readonly string[] = [],
  ): Promise<Program> {
    const launcher = join(this.#folder, "launcher.mjs");
    writeFileSync(launcher, "");
    const { configFile } = await provisionDevice({
      deviceDir: join(this.#folder, name),
      buildDir: join(this.#folder, "build"),
      launcher,
      config: {
        network: NETWORK,
        ca_file: join(this.#state("first"), "tls", "ca.pem"),
        root_file: this.#rootFile,
        enrollment_token: this.#token,
        // Asks come with nudges alone, so that nothing else breaks the silence.
        wake_interval_ms: 86_400_000,
        first_ask_within_ms: 1_000,
        nudge_jitter_ms: 100,
        log_level: "debug",
        ...config,
      },
    });
    return this.#start(place, [...node, AGENT, "--config", configFile], { MOULT_SLOT: "factory" });
  }

  /** Runs `moult` beside the coordinators; gives what it printed. */
  async moult(words: readonly string[], which: "first" | "second" = "first"): Promise<string> {
    const address = which === "first" ? `${FIRST}:7443` : `${SECOND}:7444`;
    const [file = "", ...args] = this.#lab.at("net", [process.execPath, MOULT, ...words]);
    const env = {
      ...plainEnvironment(process.env),
      ...compiled(),
      MOULT_STATE_DIR: this.#state(which),
      MOULT_COORDINATOR: address,
    };
    return (await promisify(execFile)(file, args, { env, timeout: 20_000 })).stdout;
  }

  /** Ends everything and removes the folder. */
  async close(): Promise<void> {
    await Promise.all(this.#started.map((program) => program.kill()));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #state(which: "first" | "second"): string {
    return join(this.#folder, `state-${which}`);
  }

  #start(place: Place, args: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
    const program = new Program(this.#lab.at(place, [process.execPath, ...args]), env);
    mkdirSync(this.#folder, { recursive: true });
    this.#started.push(program);
    return program;
  }
}
