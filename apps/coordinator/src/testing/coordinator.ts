/** A coordinator in this process, for tests: real sockets, a real store, a clock that can be put forward. */
import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { type Config, readConfig } from "../config.ts";
import { type RunningCoordinator, startCoordinator } from "../coordinator.ts";
import type { Store } from "../store/port.ts";
import { openSqliteStore } from "../store/sqlite/store.ts";
import { type TestBuild, COUNCIL, NETWORK, signed } from "./council.ts";
import { type Clients, openClients } from "./clients.ts";
import { TestDevice, WORKING } from "./device.ts";
import { OPERATOR_PUBLIC_KEY } from "./override.ts";

/** How many nodes keep a pool company, and what each of them can carry. */
export const COMPANY = 4;
export const COMPANY_RPS = 1000;

/** What may differ from test to test. */
export interface TestOptions {
  /** Keys of the configuration file that take the place of the usual ones. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The table of operators, as its file says it. */
  readonly operators?: object;
  /** Puts something of the test's own around the store. */
  readonly around?: (store: Store) => Store;
}

/** A line that was logged. */
export interface LogLine {
  readonly level: "info" | "warn" | "error";
  readonly facts: object;
  readonly message: string;
}

/** Writes a configuration file into a folder; returns its path. */
export function writeConfig(folder: string, more: Readonly<Record<string, unknown>> = {}): string {
  const path = join(folder, "coordinator.yaml");
  const council = { threshold: COUNCIL.threshold, keys: COUNCIL.keys };
  const state = { network: NETWORK, state_dir: join(folder, "state"), council, log_level: "warn" };
  const config = { ...state, override_keys: [OPERATOR_PUBLIC_KEY], ...more };
  writeFileSync(path, stringify(config));
  return path;
}

/** A folder of the test's own. */
export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), "moult-coordinator-"));
}

/** A coordinator that runs in this process. */
export class TestCoordinator {
  readonly folder: string = makeFolder();
  readonly logged: LogLine[] = [];
  readonly config: Config;
  readonly #options: TestOptions;
  #aheadMs = 0;
  #running: RunningCoordinator | undefined;
  #clients: Clients | undefined;

  private constructor(options: TestOptions) {
    this.#options = options;
    if (options.operators !== undefined) this.writeOperators(stringify({ operators: options.operators }));
    this.config = readConfig(writeConfig(this.folder, options.config), {});
  }

  static async start(options: TestOptions = {}): Promise<TestCoordinator> {
    const made = new TestCoordinator(options);
    await made.up();
    return made;
  }

  get clients(): Clients {
    if (this.#clients === undefined) throw new Error("the coordinator is down");
    return this.#clients;
  }

  get running(): RunningCoordinator {
    if (this.#running === undefined) throw new Error("the coordinator is down");
    return this.#running;
  }

  get storePath(): string {
    return join(this.config.state_dir, "moult.db");
  }

  /** Writes the table of operators, which is read at the start and on `reload`. */
  writeOperators(text: string): void {
    writeFileSync(join(this.folder, "operators.yaml"), text);
  }

  /** Puts the coordinator's clock forward. */
  putForward(ms: number): void {
    this.#aheadMs += ms;
  }

  async up(): Promise<void> {
    mkdirSync(this.config.state_dir, { recursive: true, mode: 0o700 });
    const store = openSqliteStore(this.storePath, this.config.network);
    const keep = (level: LogLine["level"]) => (facts: object, message: string) => {
      this.logged.push({ level, facts, message });
    };
    this.#running = await startCoordinator(this.config, {
      clock: { now: () => Date.now() + this.#aheadMs },
      random: { bytes: (count) => randomBytes(count), uuid: () => randomUUID() },
      log: { info: keep("info"), warn: keep("warn"), error: keep("error") },
      store: this.#options.around?.(store) ?? store,
    });
    this.#clients = openClients(this.config.state_dir, this.#running);
  }

  async down(): Promise<void> {
    this.#clients?.close();
    this.#clients = undefined;
    await this.#running?.stop();
    this.#running = undefined;
  }

  async stop(): Promise<void> {
    await this.down();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** An enrolment token of a pool. */
  async token(pool = "home", uses = 1000): Promise<string> {
    const request = { pool: `pools/${pool}`, uses, ttlS: 3600 };
    return (await this.clients.fleet.createEnrollmentToken(request, this.clients.operator)).enrollmentToken;
  }

  /** A device that has enrolled and opened its session. */
  async device(pool = "home"): Promise<TestDevice> {
    const device = new TestDevice(this.clients);
    await device.enrol(await this.token(pool));
    await device.openSession();
    return device;
  }

  /** Nodes that serve with much to spare, so that gate 3 lets others of the pool go, whatever it keeps in reserve. */
  async company(pool = "home"): Promise<readonly TestDevice[]> {
    const devices = await Promise.all(Array.from({ length: COMPANY }, () => this.device(pool)));
    for (const device of devices) await device.pulse({ ...WORKING, capacityRps: COMPANY_RPS, loadRps: 0 });
    return devices;
  }

  /** Uploads a build's parts. */
  async upload(build: TestBuild): Promise<void> {
    for (const [digest, body] of build.parts) {
      const headers = { authorization: `Bearer ${this.clients.operatorToken}` };
      const { status } = await this.clients.http("PUT", `/v1/parts/${digest}`, { headers, body });
      if (status !== 201 && status !== 200) throw new Error(`upload: ${status}`);
    }
  }

  /** Publishes a release of one build and turns its dial to everyone. */
  async release(build: TestBuild, version: string): Promise<void> {
    await this.upload(build);
    const { releases, rollout, operator } = this.clients;
    await releases.publishRelease({ signedManifests: [signed(build)] }, operator);
    const dial = { release: `releases/${version}`, setting: { case: "everyone" as const, value: {} } };
    await rollout.setDial({ dial }, operator);
  }
}
