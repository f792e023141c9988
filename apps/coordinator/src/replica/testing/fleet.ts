/** Several coordinators as processes on one database, a fleet that asks them without end, and what was acknowledged. */
import { rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import type { Clients } from "../../testing/clients.ts";
import { makeFolder, writeConfig } from "../../testing/coordinator.ts";
import { TestDevice, WORKING } from "../../testing/device.ts";
import { type TestBuild, buildOf, enveloped, networkAt } from "../../testing/network.ts";
import { signedOverride } from "../../testing/override.ts";
import { until } from "../../testing/wait.ts";
import { CoordinatorProcess } from "../../testing/process.ts";
import { type LogLeaf, faultsOf } from "../../store/testing/checker.ts";
import type { PostgresServer } from "../../store/testing/postgres-server.ts";

/** Each carries 10 and has 2 to carry: 12 in all, so that four of six can be away at once and never five. */
const DEVICES = 6;
const AWAY_MAX = 4;
/** Between two asks of a device, so that nobody is busy for nothing. */
const BREATH_MS = 15;

/** One of the coordinators. */
export interface TestReplica {
  readonly name: string;
  readonly process: CoordinatorProcess;
  readonly clients: Clients;
}

/** The coordinators and their fleet. */
export class TestFleet {
  readonly folder: string = makeFolder();
  readonly url: string;
  readonly replicas: TestReplica[] = [];
  readonly devices: TestDevice[] = [];
  /** Names of overrides that were answered. */
  readonly acknowledged: string[] = [];
  /** When each of them was answered, milliseconds of this process's time. */
  readonly #acknowledgedAtMs: number[] = [];
  /** Permits that were answered, by node. */
  readonly granted: Map<string, Set<string>> = new Map();
  readonly #server: PostgresServer;
  readonly #network = networkAt();
  readonly #build: TestBuild = buildOf("2.0.0", 2);
  #loading = false;
  #load: Promise<unknown> = Promise.resolve();
  #turn = 0;

  private constructor(server: PostgresServer, url: string) {
    this.#server = server;
    this.url = url;
  }

  /** As many coordinators, all serving; the first has the seat. */
  static async start(server: PostgresServer, count: number): Promise<TestFleet> {
    const fleet = new TestFleet(server, await server.database());
    for (let n = 0; n < count; n += 1) await fleet.add(`r${n + 1}`);
    return fleet;
  }

  get state(): string {
    return join(this.folder, "state");
  }

  /** Starts one more, or one of that name again. */
  async add(name: string): Promise<TestReplica> {
    const address = `127.0.0.1:${await freePort()}`;
    const config = writeConfig(this.folder, { log_level: "info" }, this.#network);
    const process = new CoordinatorProcess(["--config", config], {
      MOULT_STORE: this.url,
      MOULT_REPLICA__NAME: name,
      MOULT_REPLICA__ADDRESS: address,
      MOULT_GRPC__PORT: address.slice(address.lastIndexOf(":") + 1),
    });
    const replica = { name, process, clients: await process.serves(this.state, name) };
    this.replicas.push(replica);
    return replica;
  }

  /** Forgets one that has ended: nobody asks it any more. */
  drop(name: string): TestReplica {
    const at = this.replicas.findIndex((replica) => replica.name === name);
    const [gone] = this.replicas.splice(at, 1);
    if (gone === undefined) throw new Error(`there is no replica ${name}`);
    return gone;
  }

  /** A build that everybody may have, and devices that enrolled through all coordinators in turn. */
  async populate(): Promise<void> {
    const { fleet, metadata, releases, rollout, operator, publisher, operatorToken, http } = this.#next().clients;
    for (const [digest, body] of this.#build.parts) {
      await http("PUT", `/v1/parts/${digest}`, { body, headers: { authorization: `Bearer ${operatorToken}` } });
    }
    const files = [...this.#network.allow(this.#network.entry(this.#build.manifest))];
    await metadata.publishMetadata({ files }, publisher);
    await releases.publishRelease({ signedManifests: [enveloped(this.#build)] }, operator);
    const setting = { case: "everyone" as const, value: {} };
    await rollout.setDial({ dial: { release: "releases/2.0.0", setting } }, operator);
    const { enrollmentToken } = await fleet.createEnrollmentToken(
      { pool: "pools/home", uses: 100, ttlS: 3600 },
      operator,
    );
    for (let n = 0; n < DEVICES; n += 1) {
      const device = new TestDevice(this.#next().clients);
      await device.enrol(enrollmentToken);
      device.clients = this.#next().clients;
      await device.openSession();
      await device.ask();
      this.devices.push(device);
    }
  }

  /** Devices ask and operators write through all coordinators in turn, until `quiet`. */
  load(): void {
    this.#loading = true;
    this.#load = Promise.all([...this.devices.map((device) => this.#asks(device)), this.#writes(), this.#writes()]);
  }

  /** Waits for the first word that is acknowledged from now on. */
  async goesOn(): Promise<void> {
    const before = this.acknowledged.length;
    await until("something is acknowledged again", () => this.acknowledged.length > before || undefined);
  }

  /** The longest time in which nothing was acknowledged, from then on. */
  longestSilenceMs(sinceMs: number): number {
    const moments = [sinceMs, ...this.#acknowledgedAtMs.filter((atMs) => atMs > sinceMs)];
    return Math.round(Math.max(...moments.slice(1).map((atMs, n) => atMs - (moments[n] ?? atMs))));
  }

  async quiet(): Promise<void> {
    this.#loading = false;
    await this.#load;
  }

  /** What is wrong: words that were acknowledged and are lost, and what the checker finds in the log. */
  async faults(): Promise<readonly string[]> {
    // One that has just come, or woken up, may not have seen yet who decides.
    const { overrides } = await until("overrides are listed", async () => {
      const { rollout, operator } = this.#next().clients;
      return rollout.listOverrides({}, operator).catch((error: { readonly code?: number }) => {
        if (error.code === status.UNAVAILABLE) return undefined;
        throw error;
      });
    });
    const kept = new Set(overrides.map(({ name }) => name));
    const lost = this.acknowledged.filter((name) => !kept.has(name)).map((name) => `${name} is lost`);
    const rows = await this.#rows("SELECT pool_id, seq, kind, leaf FROM audit WHERE pool_id = 'home' ORDER BY seq");
    const leaves = rows.map((row): LogLeaf => ({
      poolId: String(row["pool_id"]),
      seq: Number(row["seq"]),
      kind: String(row["kind"]),
      body: String(row["leaf"]),
    }));
    const held = await this.#rows("SELECT node_id FROM permits");
    const logged = new Set(leaves.filter(({ kind }) => kind === "permit").map(({ body }) => permitOf(body)));
    const unlogged = [...this.granted.values()].flatMap((ids) => [...ids]).filter((id) => !logged.has(id));
    const checked = faultsOf(
      leaves,
      AWAY_MAX,
      held.map((row) => String(row["node_id"])),
    );
    return [...lost, ...unlogged.map((id) => `permit ${id} was answered and is not in the log`), ...checked];
  }

  /** Ends all that runs and removes what they left. */
  async stop(): Promise<void> {
    await this.quiet();
    await Promise.all(
      this.replicas.splice(0).map(({ process }) => {
        process.signal("SIGCONT");
        return process.end("SIGKILL");
      }),
    );
    rmSync(this.folder, { recursive: true, force: true });
  }

  #rows(text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    return this.#server.query(text, new URL(this.url).pathname.slice(1));
  }

  #next(): TestReplica {
    this.#turn += 1;
    const next = this.replicas[this.#turn % this.replicas.length];
    if (next === undefined) throw new Error("there is no replica");
    return next;
  }

  async #asks(device: TestDevice): Promise<void> {
    while (this.#loading) {
      device.clients = this.#next().clients;
      const staged = this.#build.digest;
      try {
        await device.pulse();
        const verdict = await device.ask({ situation: WORKING, stagedDigest: staged });
        const { permitId } = verdict.permit ?? {};
        if (permitId !== undefined) {
          const known = this.granted.get(device.node) ?? new Set();
          this.granted.set(device.node, known.add(permitId));
        }
      } catch {
        // Refused, or broken off: what was answered counts.
      }
      await sleep(BREATH_MS);
    }
  }

  async #writes(): Promise<void> {
    while (this.#loading) {
      const { rollout, operator } = this.#next().clients;
      const override = { pool: "pools/home", reason: "drill", deficitMaxRps: 0.001 };
      try {
        const made = await rollout.createOverride(signedOverride(override, 3600), operator);
        this.acknowledged.push(made.override?.name ?? "");
        this.#acknowledgedAtMs.push(performance.now());
      } catch {
        // As above.
      }
      await sleep(BREATH_MS);
    }
  }
}

function permitOf(body: string): string {
  return (JSON.parse(body) as { readonly permitId: string }).permitId;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
