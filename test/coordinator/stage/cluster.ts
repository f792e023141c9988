/**
 * Coordinators as processes, on either engine: one on a file, or several on a database. Each reaches the database, and is
 * reached by the others, over a link of its own, which can be broken. It knows nothing of rounds and judges nothing.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import type { TestNetwork } from "@moult/trust/testing";
import type { PostgresServer } from "../../../apps/coordinator/src/store/testing/postgres-server.ts";
import type { Clients } from "../../../apps/coordinator/src/testing/clients.ts";
import { writeConfig } from "../../../apps/coordinator/src/testing/coordinator.ts";
import { networkAt } from "../../../apps/coordinator/src/testing/network.ts";
import { CoordinatorProcess, type Ending } from "../../../apps/coordinator/src/testing/process.ts";
import { until } from "../../../apps/coordinator/src/testing/wait.ts";
import { Link, freePort } from "./proxy.ts";

const LEAPING_DATE = join(import.meta.dirname, "leaping-date.ts");

/** Gate 3 by the margin alone, and checkpoints often, so that little is waited for. */
const CONFIG = {
  log_level: "warn",
  capacity: { reserve_z: 0, reserve_z_min: 0 },
  audit: { checkpoint_ms: 100 },
};

/** One coordinator, alive or not. */
interface Place {
  readonly name: string;
  readonly port: number;
  readonly database: Link | undefined;
  readonly trunk: Link | undefined;
  process: CoordinatorProcess | undefined;
  clients: Clients | undefined;
}

/** How a cluster is made. */
export interface ClusterOptions {
  /** Undefined for the file. */
  readonly server: PostgresServer | undefined;
  /** How many; one on the file. */
  readonly replicas: number;
  /** Where its files are to be; a temporary folder by default. */
  readonly folder?: string;
  /** More of the processes' environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The coordinators. */
export class Cluster {
  readonly folder: string;
  readonly network: TestNetwork = networkAt();
  readonly #options: ClusterOptions;
  readonly #places = new Map<string, Place>();
  #url = "";
  #turn = 0;

  private constructor(options: ClusterOptions) {
    this.#options = options;
    this.folder = options.folder ?? mkdtempSync(join(tmpdir(), "moult-cluster-"));
  }

  /** Starts them all; the first gets the seat. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(options);
    try {
      cluster.#url = (await options.server?.database()) ?? "";
      for (let n = 1; n <= options.replicas; n += 1) await cluster.up(`r${n}`);
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  get names(): readonly string[] {
    return [...this.#places.keys()];
  }

  get state(): string {
    return join(this.folder, "state");
  }

  /** The database's URL, past all links; empty on the file. */
  get url(): string {
    return this.#url;
  }

  /** The next one that runs; undefined where none does. */
  readonly reach = (): Clients | undefined => {
    const alive = [...this.#places.values()].flatMap(({ clients }) => clients ?? []);
    this.#turn += 1;
    return alive[this.#turn % alive.length];
  };

  clients(name: string): Clients {
    const { clients } = this.#place(name);
    if (clients === undefined) throw new Error(`${name} does not run`);
    return clients;
  }

  /** Starts one, for the first time or again; its wall clock is ahead by so much. */
  async up(name: string, aheadMs = 0): Promise<void> {
    const place = this.#places.get(name) ?? (await this.#make(name));
    const process = this.#spawn(place, aheadMs);
    place.process = process;
    place.clients = await process.serves(this.state, this.#options.server === undefined ? undefined : name);
  }

  /** Starts one that is to be refused; how it ended. */
  async refused(name: string): Promise<Ending> {
    return this.#spawn(this.#place(name), 0).ended;
  }

  /** Ends one; it stays down. */
  async end(name: string, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const place = this.#place(name);
    const { process } = place;
    [place.process, place.clients] = [undefined, undefined];
    await process?.end(signal);
  }

  /** Stops one in its tracks, or lets it go on. */
  signal(name: string, signal: "SIGSTOP" | "SIGCONT"): void {
    this.#place(name).process?.signal(signal);
  }

  /** Makes the wall clock of one leap: it is ahead by so much from now on. */
  leap(name: string, aheadMs: number): void {
    const { process } = this.#place(name);
    writeFileSync(this.#aheadFile(name), String(aheadMs));
    process?.signal("SIGUSR2");
  }

  /** Its link to the database. */
  database(name: string): Link {
    return linkOf(this.#place(name).database);
  }

  /** The link over which the others reach it. */
  trunk(name: string): Link {
    return linkOf(this.#place(name).trunk);
  }

  /** Who decides, as any that runs says; on the file, the only one. */
  async seat(): Promise<string> {
    if (this.#options.server === undefined) return "r1";
    return until("somebody decides", () => this.#seat(), 40_000);
  }

  /** Runs a command of the coordinator's program to its end. */
  command(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ending> {
    return new CoordinatorProcess([...args, "--config", this.#config()], {
      MOULT_STORE: this.#store(this.#url),
      ...env,
    }).ended;
  }

  /** Gets what is under `/v1/audit/` from any that has it; undefined where none has. */
  readonly audit = async (path: string): Promise<Buffer | undefined> => {
    const answer = await this.reach()
      ?.http("GET", `/v1/audit/${path}`)
      .catch((error: NodeJS.ErrnoException) => {
        if (error.code === undefined) throw error;
        return undefined;
      });
    return answer?.status === 200 ? answer.body : undefined;
  };

  /** Ends all that runs and removes what they left. */
  async stop(): Promise<void> {
    await Promise.all(
      [...this.#places.values()].map(async ({ name, process, database, trunk }) => {
        process?.signal("SIGCONT");
        await this.end(name, "SIGKILL");
        await Promise.all([database?.close(), trunk?.close()]);
      }),
    );
    rmSync(this.folder, { recursive: true, force: true });
  }

  #spawn({ name, port, database, trunk }: Place, aheadMs: number): CoordinatorProcess {
    const { env = {} } = this.#options;
    const url = database === undefined ? "" : this.#url.replace(/:\d+\//, `:${database.port}/`);
    const imports = [`--import=${LEAPING_DATE}`, env["NODE_OPTIONS"] ?? ""].join(" ").trim();
    const replica = { MOULT_REPLICA__NAME: name, MOULT_REPLICA__ADDRESS: `127.0.0.1:${trunk?.port}` };
    return new CoordinatorProcess(["--config", this.#config()], {
      ...env,
      NODE_OPTIONS: imports,
      MOULT_TEST_AHEAD_MS: String(aheadMs),
      MOULT_TEST_AHEAD_FILE: this.#aheadFile(name),
      MOULT_STORE: this.#store(url),
      MOULT_GRPC__PORT: String(port),
      ...(trunk === undefined ? {} : replica),
    });
  }

  async #make(name: string): Promise<Place> {
    const port = await freePort();
    const isShared = this.#options.server !== undefined;
    const database = isShared ? await Link.to(() => Number(new URL(this.#url).port)) : undefined;
    const trunk = isShared ? await Link.to(() => port) : undefined;
    const place: Place = { name, port, database, trunk, process: undefined, clients: undefined };
    this.#places.set(name, place);
    return place;
  }

  async #seat(): Promise<string | undefined> {
    try {
      const clients = this.reach();
      const answer = await clients?.fleet.getStatus({}, { ...clients.viewer, timeoutMs: 2_500 });
      return answer?.replicas.find(({ deciding }) => deciding)?.name;
    } catch (error) {
      const { code } = error as { readonly code?: number };
      if (code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED) return undefined;
      throw error;
    }
  }

  #config(): string {
    mkdirSync(this.folder, { recursive: true });
    return writeConfig(this.folder, CONFIG, this.network);
  }

  #store(url: string): string {
    return url === "" ? "sqlite" : url;
  }

  #aheadFile(name: string): string {
    return join(this.folder, `ahead-${name}`);
  }

  #place(name: string): Place {
    const place = this.#places.get(name);
    if (place === undefined) throw new Error(`there is no coordinator ${name}`);
    return place;
  }
}

function linkOf(link: Link | undefined): Link {
  if (link === undefined) throw new Error("a coordinator on a file has no links");
  return link;
}
