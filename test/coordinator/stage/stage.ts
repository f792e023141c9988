/** A cluster with its fleet, its database and its disk, and the judge of what came of it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Clients } from "../../../apps/coordinator/src/testing/clients.ts";
import { PostgresServer } from "../../../apps/coordinator/src/store/testing/postgres-server.ts";
import { until } from "../../../apps/coordinator/src/testing/wait.ts";
import { PermitPhase } from "@moult/contracts/v1";
import { lostOf } from "../checker/acknowledged.ts";
import type { Fault, HeldPermit } from "../checker/entry.ts";
import { PublishedLog } from "../checker/published-log.ts";
import { compareHeld, replay } from "../checker/replay.ts";
import { untrue } from "../checker/untrue.ts";
import { Load } from "../load/load.ts";
import { Cluster } from "./cluster.ts";
import { SmallDisk } from "./small-disk.ts";

/** Signed within some hundred milliseconds where nothing is in the way; a takeover and a busy machine add seconds. */
const SIGNED_WITHIN_MS = 60_000;

/** Loads are kept in thousandths. */
const ROUNDED = 0.99;

/** Room for a store of some rounds, and for a database's own files. */
const SMALL_MB = { sqlite: 48, postgres: 320 } as const;

/** Files of a database that is to fit on a small disk. */
const SMALL_SETTINGS = { max_wal_size: "48MB", min_wal_size: "32MB" };

/** What a stage is. */
export interface StageOptions {
  readonly engine: "sqlite" | "postgres";
  /** Its store is on a small file system of its own. */
  readonly small: boolean;
  readonly random: () => number;
  /** More of the coordinators' environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** More of PostgreSQL's settings. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Coordinators on a database; three by default. */
  readonly replicas?: number;
}

/** The stage. */
export class Stage {
  readonly cluster: Cluster;
  readonly load: Load;
  readonly random: () => number;
  readonly #server: PostgresServer | undefined;
  readonly #disk: SmallDisk | undefined;
  readonly #log: PublishedLog;

  private constructor(parts: {
    readonly cluster: Cluster;
    readonly server: PostgresServer | undefined;
    readonly disk: SmallDisk | undefined;
    readonly random: () => number;
  }) {
    this.cluster = parts.cluster;
    this.#server = parts.server;
    this.#disk = parts.disk;
    this.random = parts.random;
    this.load = new Load(parts.cluster.reach, parts.random);
    this.#log = new PublishedLog(readFileSync(join(parts.cluster.state, "audit", "log.vkey"), "utf8"));
  }

  /** Starts all of it; undefined where it needs a small disk and none can be mounted. */
  static async start(options: StageOptions): Promise<Stage | undefined> {
    const { engine, small, random, env = {}, settings = {}, replicas = 3 } = options;
    const disk = small ? SmallDisk.mount(SMALL_MB[engine]) : undefined;
    if (small && disk === undefined) return undefined;
    let [server, cluster]: [PostgresServer | undefined, Cluster | undefined] = [undefined, undefined];
    try {
      if (engine === "postgres") server = await PostgresServer.start(small ? SMALL_SETTINGS : settings, disk?.folder);
      const folder = engine === "sqlite" && disk !== undefined ? { folder: `${disk.folder}/cluster` } : {};
      cluster = await Cluster.start({ server, replicas: engine === "sqlite" ? 1 : replicas, env, ...folder });
      const stage = new Stage({ cluster, server, disk, random });
      await stage.load.populate(stage.cluster.clients("r1"), cluster.network);
      return stage;
    } catch (error) {
      await cluster?.stop();
      await server?.remove();
      disk?.unmount();
      throw error;
    }
  }

  get server(): PostgresServer {
    if (this.#server === undefined) throw new Error("a store in a file has no server");
    return this.#server;
  }

  get disk(): SmallDisk {
    if (this.#disk === undefined) throw new Error("the store is on no small disk");
    return this.#disk;
  }

  /** What is wrong by now; nobody may be at work meanwhile. */
  async faults(): Promise<readonly Fault[]> {
    const marks = await this.load.mark();
    await until(
      "all that was decided is signed",
      async () => {
        await this.#log.read(this.cluster.audit);
        const overrides = new Set(this.#log.entries.map(({ body }) => body["overrideId"]));
        return marks.every((mark) => overrides.has(mark)) || this.#log.faults.length > 0 || undefined;
      },
      SIGNED_WITHIN_MS,
    );
    const { entries, faults } = this.#log;
    const replayed = replay(entries);
    const final = compareHeld(replayed.held, await this.#held());
    const rest = [...lostOf(entries, this.load.words), ...untrue(entries, this.load.truth)];
    return [...faults, ...replayed.faults, ...final, ...rest];
  }

  /**
   * Ends every coordinator in good order while no node says anything, starts them again, and holds what they take to be asked
   * for against what nodes had said. The load runs before and after.
   */
  async restart(): Promise<readonly Fault[]> {
    const { cluster, load } = this;
    await load.stop();
    const said = load.carriedRps;
    for (const name of cluster.names) await cluster.end(name, "SIGTERM");
    for (const name of cluster.names) await cluster.up(name);
    const { pools } = await this.#asked((clients) => clients.fleet.listPools({}, clients.viewer));
    load.start();
    return [...said].flatMap(([pool, leastRps]): Fault[] => {
      const demandRps = pools.find(({ name }) => name === `pools/${pool}`)?.demandRps ?? 0;
      if (demandRps >= leastRps * ROUNDED) return [];
      return [{ rule: "untrue", text: `${pool}: begins with a demand of ${demandRps}, and nodes said ${leastRps}` }];
    });
  }

  /** Ends all of it. */
  async stop(): Promise<void> {
    await this.load.stop();
    await this.cluster.stop();
    await this.#server?.remove();
    this.#disk?.unmount();
  }

  /** Permits in force, as the coordinators say. */
  async #held(): Promise<readonly HeldPermit[]> {
    const { nodes } = await this.#asked((clients) => clients.fleet.listNodes({ pageSize: 1000 }, clients.viewer));
    return nodes.flatMap(({ name, permit }) =>
      permit === undefined
        ? []
        : [{ permitId: permit.permitId, nodeId: name.replace("nodes/", ""), phase: PermitPhase[permit.phase] }],
    );
  }

  /** What a coordinator answers, as soon as one does. */
  async #asked<T>(ask: (clients: Clients) => Promise<T>): Promise<T> {
    const clients: Clients | undefined = this.cluster.reach();
    if (clients === undefined) throw new Error("no coordinator runs");
    return until("a coordinator answers", () => ask(clients).catch(() => undefined), SIGNED_WITHIN_MS);
  }
}
