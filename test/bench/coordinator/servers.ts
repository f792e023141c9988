/** The processes that are measured: the coordinator as it is shipped, and the ceiling. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createSessions } from "../../../apps/coordinator/src/identity/sessions.ts";
import { freePort } from "../stage/free-port.ts";
import { NETWORK, TRUST } from "./fill.ts";
import type { Member } from "./orders.ts";

const COORDINATOR = join(import.meta.dirname, "../../../apps/coordinator/src/main.ts");
const NOOP = join(import.meta.dirname, "noop-server.ts");

const UNIT = join(import.meta.dirname, "../../../apps/coordinator/systemd/moult-coordinator.service");

/** What the shipped unit gives a coordinator; how memory is taken from the system is part of what is measured. */
function unitEnvironment(): Readonly<Record<string, string>> {
  const lines = readFileSync(UNIT, "utf8").matchAll(/^Environment=([^=\s]+)=(\S*)$/gm);
  return Object.fromEntries([...lines].map(([, name = "", value = ""]) => [name, value]));
}

/** How long a server may take to listen, in milliseconds. */
const UP_MS = 600_000;

/** One server that is measured. */
export interface Server {
  readonly address: string;
  /** Of all its processes, where replicas serve together; the first decides. */
  readonly addresses: readonly string[];
  readonly pids: readonly number[];
  /** From the start of the process until it listened, in milliseconds. */
  readonly startMs: number;
  readonly stop: () => Promise<void>;
}

/** Where a coordinator lives. */
export class Place {
  readonly folder: string;
  readonly stateDir: string;
  readonly #secret = Buffer.alloc(32, 7);

  constructor(folder: string) {
    this.folder = folder;
    this.stateDir = join(folder, "state");
    mkdirSync(this.stateDir, { recursive: true, mode: 0o700 });
    writeFileSync(join(this.stateDir, "session.key"), this.#secret.toString("hex"), { mode: 0o600 });
  }

  get tls(): { readonly ca: string; readonly cert: string; readonly key: string } {
    const file = (name: string): string => join(this.stateDir, "tls", name);
    return { ca: readFileSync(file("ca.pem"), "utf8"), cert: file("server.pem"), key: file("server.key") };
  }

  /** Sessions of these nodes. */
  async members(nodeIds: readonly string[]): Promise<readonly Member[]> {
    const sessions = createSessions(this.#secret, NETWORK, 86_400_000, { now: () => Date.now() });
    return Promise.all(nodeIds.map(async (nodeId) => ({ nodeId, token: await sessions.open(nodeId) })));
  }

  /** Starts the coordinator on this state. */
  async coordinator(env: Readonly<Record<string, string>> = {}, replica?: string): Promise<Server> {
    const config = join(this.folder, "coordinator.yaml");
    const root = join(this.folder, "root.json");
    // A store that was kept belongs to the root that was kept with it.
    if (!existsSync(root)) writeFileSync(root, TRUST.flashedRoot);
    const day = 86_400_000;
    writeFileSync(
      config,
      JSON.stringify({
        network: NETWORK,
        state_dir: this.stateDir,
        root_file: root,
        // All callers come from one address here.
        grpc: { connections_per_address_max: 1_000_000 },
        // So large a margin that `tight` cannot spare anybody, and reports that stay fresh for the whole bench.
        capacity: {
          margin_ratio: 10,
          report_fresh_ms: day,
          vanish_after_ms: day,
          domain_cap_ratio: 1,
          shard_holders_min: 0,
        },
        log_level: "warn",
      }),
    );
    const endpoints = join(this.stateDir, replica === undefined ? "endpoints.json" : `endpoints-${replica}.json`);
    rmSync(endpoints, { force: true });
    const beganMs = performance.now();
    const log = openSync(join(this.folder, "coordinator.log"), "a");
    const child = spawn(process.execPath, [COORDINATOR, "--config", config], {
      stdio: ["ignore", log, log],
      env: { ...process.env, ...unitEnvironment(), ...env },
    });
    while (!existsSync(endpoints)) {
      if (child.exitCode !== null || performance.now() - beganMs > UP_MS) {
        throw new Error(`the coordinator did not come up; see ${join(this.folder, "coordinator.log")}`);
      }
      await sleep(20);
    }
    const startMs = performance.now() - beganMs;
    const { grpc } = JSON.parse(readFileSync(endpoints, "utf8")) as { readonly grpc: string };
    return serverOf(grpc, child, startMs);
  }

  /**
   * Starts replicas that share this state, on loopback ports of their own. `decider` is the environment of the first one alone,
   * which takes the seat.
   */
  async replicas(
    count: number,
    env: Readonly<Record<string, string>>,
    decider: Readonly<Record<string, string>> = {},
  ): Promise<Server> {
    const servers: Server[] = [];
    for (let n = 1; n <= count; n += 1) {
      const address = `127.0.0.1:${await freePort()}`;
      const name = `r${n}`;
      const own = {
        ...env,
        ...(n === 1 && decider),
        MOULT_REPLICA__NAME: name,
        MOULT_REPLICA__ADDRESS: address,
        MOULT_GRPC__PORT: address.slice(address.lastIndexOf(":") + 1),
      };
      servers.push(await this.coordinator(own, name));
    }
    return {
      address: servers[0]?.address ?? "",
      addresses: servers.flatMap(({ addresses }) => addresses),
      pids: servers.flatMap(({ pids }) => pids),
      startMs: servers[0]?.startMs ?? 0,
      stop: async () => void (await Promise.all(servers.map((server) => server.stop()))),
    };
  }

  /** Starts the ceiling with the coordinator's own TLS material. */
  async ceiling(): Promise<Server> {
    const { cert, key } = this.tls;
    const child = spawn(process.execPath, [NOOP, cert, key], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, ...unitEnvironment() },
    });
    const beganMs = performance.now();
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const { port } = JSON.parse(line.toString("utf8")) as { readonly port: number };
    const startMs = performance.now() - beganMs;
    return serverOf(`127.0.0.1:${port}`, child, startMs);
  }
}

function serverOf(address: string, child: ChildProcess, startMs: number): Server {
  return { address, addresses: [address], pids: [child.pid ?? 0], startMs, stop: () => end(child) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await ended;
  clearTimeout(late);
}
