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
import type { TestNetwork } from "@moult/trust/testing";
import { type TestBuild, NETWORK, enveloped, networkAt } from "./network.ts";
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
  /** Whose keys approve; a network of the test's own by default. */
  readonly network?: TestNetwork;
  /** The table of operators, as its file says it. */
  readonly operators?: object;
  /** Where the authority is that clients trust; the coordinator's own by default. */
  readonly tlsFolder?: string;
  /** Puts something of the test's own around the store. */
  readonly around?: (store: Store) => Store;
}

/** A line that was logged. */
export interface LogLine {
  readonly level: "info" | "warn" | "error";
  readonly facts: object;
  readonly message: string;
}

/** Writes a configuration file, and the root it names, into a folder; returns its path. */
export function writeConfig(
  folder: string,
  more: Readonly<Record<string, unknown>> = {},
  network: TestNetwork = networkAt(),
): string {
  const path = join(folder, "coordinator.yaml");
  const rootFile = join(folder, "root.json");
  writeFileSync(rootFile, network.flashedRoot);
  const config = {
    network: NETWORK,
    state_dir: join(folder, "state"),
    root_file: rootFile,
    override_keys: [OPERATOR_PUBLIC_KEY],
    log_level: "warn",
    ...more,
  };
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
  readonly network: TestNetwork;
  readonly #options: TestOptions;
  #aheadMs = 0;
  #running: RunningCoordinator | undefined;
  #clients: Clients | undefined;

  private constructor(options: TestOptions) {
    this.#options = options;
    this.network = options.network ?? networkAt(() => this.now());
    if (options.operators !== undefined) this.writeOperators(stringify({ operators: options.operators }));
    this.config = readConfig(writeConfig(this.folder, options.config, this.network), {});
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

  /** The coordinator's clock. */
  now(): number {
    return Date.now() + this.#aheadMs;
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
    const start = startCoordinator(this.config, {
      clock: { now: () => this.now() },
      uptime: { now: () => this.now() },
      random: { bytes: (count) => randomBytes(count), uuid: () => randomUUID() },
      log: { info: keep("info"), warn: keep("warn"), error: keep("error") },
      store: this.#options.around?.(store) ?? store,
      self: { version: "0.0.0", instance: randomUUID(), env: {}, joinedLines: () => 0 },
    });
    this.#running = await start.catch(async (error: unknown) => {
      await store.close();
      throw error;
    });
    this.#clients = openClients(this.config.state_dir, this.#running, this.#options.tlsFolder);
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

  /** Hands metadata in, as the publisher does. */
  async publish(files: readonly Uint8Array[]): Promise<void> {
    const { metadata, publisher } = this.clients;
    await metadata.publishMetadata({ files: [...files] }, publisher);
  }

  /** Has the council allow builds. */
  async allow(...builds: readonly TestBuild[]): Promise<void> {
    await this.publish(this.network.allow(...builds.map(({ manifest }) => this.network.entry(manifest))));
  }

  /** Allows and publishes a release of one build and turns its dial to everyone. */
  async release(build: TestBuild, version: string): Promise<void> {
    await this.upload(build);
    await this.allow(build);
    const { releases, rollout, operator } = this.clients;
    await releases.publishRelease({ signedManifests: [enveloped(build)] }, operator);
    const dial = { release: `releases/${version}`, setting: { case: "everyone" as const, value: {} } };
    await rollout.setDial({ dial }, operator);
  }
}
