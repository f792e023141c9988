/**
 * What the device's benches stand on: a council, a real coordinator process, builds made by the tools a vendor uses, and
 * devices provisioned from them. Everything on this machine and gone afterwards.
 */
import { constants, existsSync } from "node:fs";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bundleAgent } from "../../../apps/agent/src/deploy/bundle.ts";
import { type ProvisionedDevice, provisionDevice } from "../../../apps/agent/src/deploy/provision.ts";
import { Council } from "../../demo/fleet/council.ts";
import { type RunOperator, operatorOf } from "../../demo/fleet/operator.ts";
import { COORDINATOR } from "../../demo/fleet/sources.ts";
import type { House } from "../../demo/harness/house.ts";
import { until } from "../../demo/harness/until.ts";

const NETWORK = "bench";

/** How long the coordinator may take to come up, in milliseconds. */
const COMES_UP_MS = 20_000;

/** A build to make. */
export interface BuildPlan {
  readonly version: string;
  readonly counter: number;
  /** Parts besides runtime and agent, `path=file`. */
  readonly parts?: readonly string[];
  /** Words for `moult release build` that say what the workload is. */
  readonly workload: readonly string[];
}

/** The stage. */
export class BenchFleet {
  readonly house: House;
  readonly moult: RunOperator;
  readonly #council: Council;
  readonly #address: string;
  #runtime = "";

  private constructor(house: House, council: Council, address: string) {
    this.house = house;
    this.#council = council;
    this.#address = address;
    this.moult = operatorOf(house.path("coordinator"), house.hopeless);
  }

  /** Starts a coordinator; `config` is added to its configuration. */
  static async open(house: House, config: Readonly<Record<string, unknown>> = {}): Promise<BenchFleet> {
    const council = await Council.found(house, operatorOf("", house.hopeless), NETWORK);
    const stateDir = house.path("coordinator");
    const file = house.path("coordinator.yaml");
    const ports = { grpc: { host: "127.0.0.1", port: 0 }, artifacts: { host: "127.0.0.1", port: 0 } };
    const all = { network: NETWORK, state_dir: stateDir, ...ports, root_file: council.rootFile, ...config };
    await writeFile(file, JSON.stringify(all));
    house.run({ name: "coordinator", args: [COORDINATOR, "--config", file] });
    const endpoints = join(stateDir, "endpoints.json");
    await until("the coordinator listens", COMES_UP_MS, async () => existsSync(endpoints), house.hopeless);
    const { grpc } = JSON.parse(await readFile(endpoints, "utf8")) as { grpc: string };
    return new BenchFleet(house, council, grpc);
  }

  /** Makes, signs and publishes a build; returns its folder. */
  async build(plan: BuildPlan): Promise<string> {
    const { version, counter, parts = [], workload } = plan;
    const bundle = this.house.path("bundles", version);
    await mkdir(bundle, { recursive: true });
    await bundleAgent({ outDir: bundle, version });
    if (this.#runtime === "") {
      // A copy, because devices make their parts read-only.
      this.#runtime = this.house.path("runtime");
      await copyFile(process.execPath, this.#runtime, constants.COPYFILE_FICLONE);
    }
    const dir = this.house.path("builds", version);
    await mkdir(this.house.path("builds"), { recursive: true });
    const all = [`runtime/node=${this.#runtime}`, `agent/agent.mjs=${join(bundle, "agent.mjs")}`, ...parts];
    const head = ["release", "build", "--network", NETWORK, "--version", version, "--counter", String(counter)];
    await this.moult([...head, ...all.flatMap((part) => ["--part", part]), ...workload, "--link", "--out", dir]);
    await this.#council.release(this.moult, dir);
    return dir;
  }

  /** A device with that build in its factory slot. */
  async device(name: string, build: string, config: Readonly<Record<string, unknown>>): Promise<ProvisionedDevice> {
    const { version } = JSON.parse(await readFile(join(build, "manifest.json"), "utf8")) as { version: string };
    const token = ["token", "create", "--pool", "bench", "--uses", "1", "--for", "1h", "-o", "json"];
    const { enrollmentToken } = JSON.parse(await this.moult(token)) as { enrollmentToken: string };
    const device = {
      deviceDir: this.house.path(name),
      buildDir: build,
      launcher: this.house.path("bundles", version, "launcher.mjs"),
      config: {
        network: NETWORK,
        coordinators: [this.#address],
        ca_file: join(this.house.path("coordinator"), "tls", "ca.pem"),
        enrollment_token: enrollmentToken,
        ...config,
      },
      root: new Uint8Array(await readFile(this.#council.rootFile)),
    };
    return provisionDevice(device);
  }
}
