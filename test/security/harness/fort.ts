/** A coordinator as a process of its own, entered by its sockets and its disk only; its clock can be put forward. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TestNetwork } from "@moult/trust/testing";
import type { Clients } from "../../../apps/coordinator/src/testing/clients.ts";
import { writeConfig } from "../../../apps/coordinator/src/testing/coordinator.ts";
import { TestDevice, WORKING } from "../../../apps/coordinator/src/testing/device.ts";
import { NETWORK } from "../../../apps/coordinator/src/testing/network.ts";
import { CoordinatorProcess, type Ending } from "../../../apps/coordinator/src/testing/process.ts";
import { refused } from "../../../apps/coordinator/src/testing/refusal.ts";
import { until } from "../../../apps/coordinator/src/testing/wait.ts";
import { type Scene, Breach, must } from "./attack.ts";
import { type Preload, preload } from "./preload.ts";

/** What may differ. */
export interface FortOptions {
  /** Keys of the configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The table of operators; without one the coordinator makes local tokens. */
  readonly operators?: object;
  /** By how much `leap` puts the clock forward, in milliseconds. */
  readonly leapMs?: number;
  /** Whose keys count; a network of its own without it. */
  readonly network?: TestNetwork;
  /** The folder; without it, the scene's. */
  readonly folder?: string;
}

/** How much the others of a pool can carry, so that one may leave. */
const PLENTY_RPS = 1000;
const COMPANY = 4;

/** Far more than a bounded message costs, and far less than a bomb that goes off. */
const GROWTH_MAX_BYTES = 160 * 1_048_576;

/** What the process is doing, as the kernel tells it. */
export interface Footprint {
  /** The most memory it ever had, in bytes. */
  readonly peakBytes: number;
  readonly residentBytes: number;
  /** Open file descriptors cannot be fewer than its connections. */
  readonly threads: number;
}

/** The process. */
export class Fort {
  readonly folder: string;
  readonly stateDir: string;
  /** Whose keys approve, publish and brake here; its publisher's clock leaps with the coordinator's. */
  readonly network: TestNetwork;
  readonly #scene: Scene;
  readonly #options: FortOptions;
  #process: CoordinatorProcess | undefined;
  #preload: Preload | undefined;

  private constructor(scene: Scene, options: FortOptions) {
    this.#scene = scene;
    this.#options = options;
    this.folder = options.folder ?? scene.root;
    this.stateDir = join(this.folder, "state");
    const { network = NETWORK } = (options.config ?? {}) as { readonly network?: string };
    this.network = options.network ?? new TestNetwork({ network, nowMs: () => this.now() });
    scene.atEnd(async () => void (await this.#process?.end("SIGKILL")));
  }

  /** Starts one, and waits until it serves. */
  static async open(scene: Scene, options: FortOptions = {}): Promise<Fort> {
    const fort = new Fort(scene, options);
    await fort.start();
    return fort;
  }

  get clients(): Clients {
    if (this.#process === undefined) throw new Error("the coordinator is down");
    return this.#process.clients;
  }

  get operator(): Clients["operator"] {
    return this.clients.operator;
  }

  /** Where it listens, and its process. */
  get endpoints(): {
    readonly grpc: string;
    readonly json: string;
    readonly artifacts: string;
    readonly operators?: string;
    readonly pid: number;
  } {
    return JSON.parse(readFileSync(join(this.stateDir, "endpoints.json"), "utf8")) as Fort["endpoints"];
  }

  get ca(): Buffer {
    return readFileSync(join(this.stateDir, "tls", "ca.pem"));
  }

  /** Starts it again. */
  async start(): Promise<void> {
    const started = this.#spawn();
    await Promise.race([
      started.serves(this.stateDir),
      started.ended.then(({ stderr }) => Promise.reject(new Error(`the coordinator did not start: ${stderr}`))),
    ]);
    this.#preload?.check();
  }

  /** Starts it, and expects that it refuses to serve. */
  async refusesToStart(): Promise<Ending> {
    const started = this.#spawn();
    const path = join(this.stateDir, "endpoints.json");
    return Promise.race([
      started.ended,
      started.serves(this.stateDir).then(() => {
        throw new Breach(`the coordinator serves (${path})`);
      }),
    ]);
  }

  #spawn(): CoordinatorProcess {
    rmSync(join(this.stateDir, "endpoints.json"), { force: true });
    const { operators } = this.#options;
    // JSON is YAML.
    if (operators !== undefined) writeFileSync(join(this.folder, "operators.yaml"), JSON.stringify({ operators }));
    const config = writeConfig(this.folder, this.#options.config, this.network);
    this.#preload = preload(this.#scene, "coordinator", this.#options.leapMs);
    this.#process = new CoordinatorProcess(["--config", config], this.#preload.env);
    return this.#process;
  }

  /** Ends it: at once, or as an operator does. */
  async end(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<Ending | undefined> {
    const ended = await this.#process?.end(signal);
    this.#process = undefined;
    return ended;
  }

  /** Its clock, milliseconds since 1970. */
  now(): number {
    return Date.now() + (this.#preload?.leaps() ?? 0) * (this.#options.leapMs ?? 0);
  }

  /** Puts its clock forward. */
  async leap(times = 1): Promise<void> {
    for (let n = 0; n < times; n += 1) {
      const before = this.#preload?.leaps() ?? 0;
      process.kill(this.endpoints.pid, "SIGUSR2");
      await until("the leap of the clock", () => (this.#preload?.leaps() ?? 0) > before || undefined);
    }
  }

  /** An enrolment token of a pool. */
  async token(pool = "home", more: { readonly uses?: number; readonly ttlS?: number } = {}): Promise<string> {
    const request = { pool: `pools/${pool}`, uses: more.uses ?? 100, ttlS: more.ttlS ?? 3600 };
    return (await this.clients.fleet.createEnrollmentToken(request, this.operator)).enrollmentToken;
  }

  /** A device that has enrolled and opened its session. */
  async device(pool = "home"): Promise<TestDevice> {
    const device = new TestDevice(this.clients);
    await device.enrol(await this.token(pool));
    await device.openSession();
    return device;
  }

  /** Nodes with much to spare. */
  async company(pool = "home", count: number = COMPANY): Promise<readonly TestDevice[]> {
    const devices: TestDevice[] = [];
    for (let n = 0; n < count; n += 1) {
      const device = await this.device(pool);
      await device.pulse({ ...WORKING, capacityRps: PLENTY_RPS, loadRps: 0 });
      devices.push(device);
    }
    return devices;
  }

  /** Its memory. */
  footprint(): Footprint {
    const status = readFileSync(`/proc/${this.endpoints.pid}/status`, "utf8");
    const field = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? Number.NaN);
    return { peakBytes: field("VmHWM") * 1024, residentBytes: field("VmRSS") * 1024, threads: field("Threads") };
  }

  /** Throws where its memory peaked far above `beforeBytes`. */
  unmoved(beforeBytes: number, what: string): void {
    const grownBytes = this.footprint().peakBytes - beforeBytes;
    must(
      grownBytes < GROWTH_MAX_BYTES,
      `${what} made the coordinator grow by ${Math.round(grownBytes / 1_048_576)} MiB`,
    );
  }

  /** Throws where it does not answer a device any more. */
  async stillServes(): Promise<void> {
    await this.clients.agent.getChallenge({}, { timeoutMs: 5_000 });
  }
}

/** `CODE REASON` of a call that has to fail; throws the claim where it succeeds. */
export async function refusal(call: Promise<unknown>, claim: string): Promise<string> {
  const outcome = await call.then(
    () => undefined,
    (error: unknown) => Promise.resolve(error),
  );
  if (outcome === undefined) throw new Breach(claim);
  const { code, reason } = await refused(Promise.reject(outcome));
  return `${code} ${reason}`;
}
