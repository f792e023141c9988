/**
 * A PostgreSQL of a test's own, from the system's binaries, in a temporary folder, on a loopback port, with fsync on. The
 * server refuses to run as root, so there it runs as `postgres` or `nobody`.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";

const DEBIAN = "/usr/lib/postgresql";
const MAJOR_MIN = 15;
const READY_WITHIN_MS = 30_000;

/** The newest binaries that are new enough; undefined where there are none. */
export function postgresBinaries(): string | undefined {
  if (!existsSync(DEBIAN)) return undefined;
  const majors = readdirSync(DEBIAN)
    .map(Number)
    .filter((major) => major >= MAJOR_MIN && existsSync(join(DEBIAN, String(major), "bin", "initdb")));
  return majors.length === 0 ? undefined : join(DEBIAN, String(Math.max(...majors)), "bin");
}

/** The line for a test that cannot run. */
export const POSTGRES_MISSING = "skipped: PostgreSQL 15 or newer is not installed (Debian: apt-get install postgresql)";

/** Who the server runs as: somebody other than root. */
function servant(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const lines = readFileSync("/etc/passwd", "utf8").split("\n");
  const found = ["postgres", "nobody"].flatMap((name) => lines.find((line) => line.startsWith(`${name}:`)) ?? []);
  const [, , uid, gid] = found[0]?.split(":") ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

/** A server. */
export class PostgresServer {
  readonly #bin: string;
  readonly #folder: string;
  readonly #port: number;
  readonly #ids = servant() ?? {};
  #child: ChildProcess | undefined;
  #databases = 0;

  private constructor(bin: string, folder: string, port: number) {
    this.#bin = bin;
    this.#folder = folder;
    this.#port = port;
  }

  /** Makes and starts one; `settings` as on its command line, its data in a new folder under `under`. */
  static async start(
    settings: Readonly<Record<string, string>> = {},
    under: string = tmpdir(),
  ): Promise<PostgresServer> {
    const bin = postgresBinaries();
    if (bin === undefined) throw new Error(POSTGRES_MISSING);
    const folder = mkdtempSync(join(under, "moult-postgres-"));
    const server = new PostgresServer(bin, folder, await freePort());
    const ids = servant();
    if (ids !== undefined) chownSync(folder, ids.uid, ids.gid);
    const args = ["-D", server.#data, "-U", "moult", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
    execFileSync(join(bin, "initdb"), args, { ...server.#ids, stdio: ["ignore", "ignore", "pipe"], cwd: folder });
    await server.up(settings);
    return server;
  }

  get #data(): string {
    return join(this.#folder, "data");
  }

  /** The URL of a database; without a name, of the one that is always there. */
  url(database = "postgres"): string {
    return `postgres://moult@127.0.0.1:${this.#port}/${database}`;
  }

  /** Starts the server on its data; resolves when it answers. */
  async up(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const fixed = { listen_addresses: "127.0.0.1", port: String(this.#port), unix_socket_directories: this.#folder };
    const all = { ...fixed, max_connections: "60", autovacuum_naptime: "10s", ...settings };
    const args = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const child = spawn(join(this.#bin, "postgres"), ["-D", this.#data, ...args], {
      ...this.#ids,
      cwd: this.#folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
    this.#child = child;
    const lastMs = performance.now() + READY_WITHIN_MS;
    while (!(await this.#answers())) {
      if (child.exitCode !== null || performance.now() > lastMs) throw new Error(`PostgreSQL did not start: ${said}`);
      await sleep(20);
    }
  }

  async #answers(): Promise<boolean> {
    try {
      await this.query("SELECT 1");
      return true;
    } catch {
      // Not yet: whoever asks has a deadline and shows what the server said.
      return false;
    }
  }

  /** Runs statements over a connection of their own. */
  async query(text: string, database?: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const sql = postgres(this.url(database), { max: 1, fetch_types: false, onnotice: () => {} });
    try {
      return [...(await sql.unsafe(text))];
    } finally {
      await sql.end({ timeout: 1 });
    }
  }

  /** A new database: empty, or a copy of one that nobody is connected to; answers its URL. */
  async database(copyOf?: string, options = ""): Promise<string> {
    this.#databases += 1;
    const name = `test_${this.#databases}`;
    const template = copyOf === undefined ? "template0" : new URL(copyOf).pathname.slice(1);
    await this.query(`CREATE DATABASE ${name} TEMPLATE ${template} ${options}`);
    return this.url(name);
  }

  /** Ends it: `SIGINT` in good order, `SIGQUIT` at once and without a checkpoint, as a crash does. */
  async down(signal: "SIGINT" | "SIGQUIT" = "SIGINT"): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill(signal);
    await ended;
  }

  /** Kills it and all of its children at once, as the kernel does when memory runs out. */
  async crash(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child?.pid === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("close", resolve));
    // Stopped first, so that none of its children is replaced meanwhile.
    child.kill("SIGSTOP");
    const pids = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").split(" ").filter(Boolean);
    for (const pid of [...pids.map(Number), child.pid]) kill(pid);
    await ended;
    for (const pid of pids) while (isAlive(pid)) await sleep(5);
  }

  /** Whether its process runs. */
  get runs(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts it again as a standby, of nobody. */
  async becomeStandby(): Promise<void> {
    await this.down();
    writeFileSync(join(this.#data, "standby.signal"), "");
    await this.up();
  }

  /** Ends it and removes its data. */
  async remove(): Promise<void> {
    await this.down("SIGQUIT");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A child may have ended by itself meanwhile. */
function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** A zombie that nobody has waited for yet holds nothing any more. */
function isAlive(pid: string): boolean {
  const path = `/proc/${pid}/stat`;
  return existsSync(path) && !/\) [ZX] /.test(readFileSync(path, "utf8"));
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
