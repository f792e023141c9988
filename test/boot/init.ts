/**
 * A real systemd as the first process of a namespace: its own process table, mounts, control groups and `/run`; files and
 * network are the host's. What Type=notify, watchdogs, restarts and path units do there is what they do on a box.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";
import { until } from "../../apps/agent/src/testing/until.ts";

const SYSTEMD = "/lib/systemd/systemd";
const TARGET = "moult-test.target";

/** Why there is no systemd to be had here; undefined where there is. */
export function whyNoInit(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  for (const file of [
    SYSTEMD,
    "/usr/bin/systemctl",
    "/usr/bin/systemd-notify",
    "/usr/bin/unshare",
    "/usr/bin/nsenter",
  ]) {
    if (!existsSync(file)) return `needs Debian's systemd and util-linux (${file} is not there)`;
  }
  return cgroupRoot() === undefined ? "needs a mounted cgroup2 hierarchy" : undefined;
}

function cgroupRoot(): string | undefined {
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
  return mounts.map((line) => line.split(" ")).find(([, , kind]) => kind === "cgroup2")?.[1];
}

/** One running systemd. */
export class Init {
  readonly #folder: string;
  readonly #child: ChildProcess;
  /** Of systemd, in the host's numbering. */
  #pid = 0;

  private constructor(folder: string, child: ChildProcess) {
    this.#folder = folder;
    this.#child = child;
  }

  /** Starts systemd with these units, by file name, in a folder of the test's. Ends with the test. */
  static async start(folder: string, units: Readonly<Record<string, string>>, wants: readonly string[]): Promise<Init> {
    const unitFolder = join(folder, "units");
    mkdirSync(unitFolder, { recursive: true });
    const target = `[Unit]\nDefaultDependencies=no\n${wants.map((unit) => `Wants=${unit}\n`).join("")}`;
    for (const [name, text] of Object.entries({ ...units, [TARGET]: target }))
      writeFileSync(join(unitFolder, name), text);
    const cgroup = join(cgroupRoot() ?? "", `moult-test-${process.pid}-${Date.now()}`);
    mkdirSync(cgroup);
    const script = `
      mount -t proc proc /proc
      umount -l /sys/fs/cgroup
      mount -t tmpfs tmpfs /run
      mount -t cgroup2 cgroup2 /sys/fs/cgroup
      exec ${SYSTEMD} --system --unit=${TARGET} --log-target=console --show-status=no`;
    const enter = `echo $$ > ${cgroup}/cgroup.procs && exec unshare --mount --pid --fork --uts --ipc --cgroup --kill-child --propagation private sh -ec '${script}'`;
    const log = openSync(join(folder, "systemd.log"), "a");
    const child = spawn("sh", ["-ec", enter], {
      stdio: ["ignore", log, log],
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", container: "moult-test", SYSTEMD_UNIT_PATH: unitFolder },
    });
    closeSync(log);
    const init = new Init(folder, child);
    onTestFinished(() => init.#end(cgroup));
    await until("systemd", () => init.#find());
    await until("its answer", () => init.systemctl("is-active", TARGET).then((said) => said === "active"), 30_000);
    return init;
  }

  /** Runs systemctl and returns what it says; its exit code is of no interest here. */
  async systemctl(...args: readonly string[]): Promise<string> {
    const command = ["--target", String(this.#pid), "--mount", "--pid", "--cgroup", "systemctl", ...args];
    const ran = await promisify(execFile)("nsenter", command, { timeout: 60_000 }).catch(
      (error: { readonly stdout?: string }) => ({ stdout: error.stdout ?? "" }),
    );
    return ran.stdout.trim();
  }

  /** One property of a unit. */
  property(unit: string, name: string): Promise<string> {
    return this.systemctl("show", "--value", `--property=${name}`, unit);
  }

  /** The main process of a unit in the host's numbering; 0 where there is none. */
  async mainPid(unit: string): Promise<number> {
    const inside = Number(await this.property(unit, "MainPID"));
    if (inside === 0) return 0;
    for (const name of readdirSync("/proc")) {
      if (!/^[0-9]+$/.test(name)) continue;
      const ids = /^NSpid:\t(.*)$/m.exec(readIfThere(`/proc/${name}/status`))?.[1]?.split("\t") ?? [];
      if (ids.length > 1 && Number(ids.at(-1)) === inside && this.#isOurs(name)) return Number(name);
    }
    return 0;
  }

  get log(): string {
    return readIfThere(join(this.#folder, "systemd.log"));
  }

  #isOurs(pid: string): boolean {
    return readlinkSync(`/proc/${pid}/ns/pid`) === readlinkSync(`/proc/${this.#pid}/ns/pid`);
  }

  /** `unshare` has one child, which is systemd once it is the first of its namespace. */
  #find(): boolean {
    if (this.#child.exitCode !== null) throw new Error(`systemd did not start:\n${this.log}`);
    const { pid } = this.#child;
    const [first] = readIfThere(`/proc/${pid}/task/${pid}/children`).trim().split(" ");
    if (first === undefined || !readIfThere(`/proc/${first}/comm`).startsWith("systemd")) return false;
    this.#pid = Number(first);
    return true;
  }

  async #end(cgroup: string): Promise<void> {
    // The first of a namespace takes all the others with it.
    if (this.#pid > 0) process.kill(this.#pid, "SIGKILL");
    this.#child.kill("SIGKILL");
    await until("the end of systemd", () => this.#child.exitCode !== null || this.#child.signalCode !== null);
    await until("empty control groups", () => removeGroups(cgroup));
  }
}

function removeGroups(folder: string): boolean {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory() && !removeGroups(join(folder, entry.name))) return false;
  }
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EBUSY") return false;
    throw error;
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error) return "";
    throw error;
  }
}
