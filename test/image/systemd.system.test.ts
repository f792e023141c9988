/**
 * The image under a real systemd, in namespaces of its own: the units are started in an order that works, the first boot
 * makes the device, and the agent does its work inside its sandbox, judged by what a real coordinator sees.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { TestNetwork } from "@moult/trust/testing";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { until } from "../demo/harness/until.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const ROOT = join(import.meta.dirname, "../..");
const DEVICE = join(ROOT, "apps/agent/src/deploy/main.ts");
const MOULT = join(ROOT, "apps/cli/src/main.ts");
const COORDINATOR = join(ROOT, "apps/coordinator/src/main.ts");
const SYSTEMD = "/usr/lib/systemd/systemd";
const NAMESPACES = ["--pid", "--fork", "--mount", "--cgroup", "--ipc", "--uts", "--kill-child"];

/** Two busy cores start a systemd, a first boot and an agent well within this, in milliseconds. */
const COMES_UP_MS = 120_000;

const groups: ChildProcess[] = [];

afterAll(() => {
  for (const { pid, exitCode, signalCode } of groups) {
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, "SIGKILL");
  }
});

/** What is missing for a systemd of one's own; undefined where nothing is. */
function missing(): string | undefined {
  if (process.getuid?.() !== 0) return "it takes root";
  if (!existsSync(SYSTEMD)) return "systemd is not installed (Debian: systemd)";
  for (const tool of ["unshare", "script", "pivot_root"]) {
    if (spawnSync("sh", ["-c", `command -v ${tool}`]).status !== 0)
      return `${tool} is missing (Debian: util-linux, bsdutils)`;
  }
  const { status } = spawnSync("unshare", [...NAMESPACES, "mount", "-t", "cgroup2", "none", "/mnt"]);
  return status === 0 ? undefined : "namespaces or cgroups are not allowed here";
}

const why = missing();
if (why !== undefined) process.stdout.write(`image under systemd: skipped, ${why}\n`);

/** In a process group that can be ended as one. */
function start(command: string, args: readonly string[]): void {
  groups.push(spawn(command, args, { detached: true, stdio: "ignore" }));
}

describe.skipIf(why !== undefined)("the image under systemd", () => {
  it("becomes a device whose agent works in its sandbox", async () => {
    const folder = temporaryFolder();
    const stateDir = join(folder, "state");
    const env = { ...process.env, MOULT_STATE_DIR: stateDir };
    const run = (file: string, ...words: readonly string[]): string =>
      execFileSync(process.execPath, [file, ...words], { cwd: folder, env, encoding: "utf8" });
    const rootFile = join(folder, "root.json");
    writeFileSync(rootFile, new TestNetwork({ network: "example" }).flashedRoot);
    writeFileSync(
      join(folder, "coordinator.yaml"),
      JSON.stringify({ network: "example", state_dir: stateDir, root_file: rootFile }),
    );
    start(process.execPath, [COORDINATOR, "--config", join(folder, "coordinator.yaml")]);
    run(DEVICE, "bundle", "--version", "1.0.0", "--out", "bundle");
    const of = ["--network", "example", "--version", "1.0.0", "--counter", "1", "--workload-kind", "none", "--link"];
    // A copy: what the build links becomes read-only.
    copyFileSync(process.execPath, join(folder, "node"));
    const parts = ["--part", "runtime/node=node", "--part", "agent/agent.mjs=bundle/agent.mjs"];
    run(MOULT, "release", "build", ...of, ...parts, "--out", "build");
    await until("the coordinator listens", COMES_UP_MS, () => existsSync(join(stateDir, "endpoints.json")));
    const { grpc } = JSON.parse(readFileSync(join(stateDir, "endpoints.json"), "utf8")) as { readonly grpc: string };
    const token = JSON.parse(
      run(MOULT, "token", "create", "--pool", "home", "--uses", "1", "--for", "1h", "-o", "json"),
    ) as { readonly enrollmentToken: string };
    writeFileSync(join(folder, "token"), token.enrollmentToken);
    const config = { network: "example", coordinators: [grpc], ca_file: "given", wake_interval_ms: 1_000 };
    writeFileSync(join(folder, "template.yaml"), JSON.stringify(config));
    const given = [
      "--build",
      "build",
      "--bundle",
      "bundle",
      "--config",
      "template.yaml",
      "--enrollment-token-file",
      "token",
    ];
    const made = run(
      DEVICE,
      "image",
      "--platform",
      "linux-x64",
      ...given,
      "--ca",
      "state/tls/ca.pem",
      "--root",
      "root.json",
      "--out",
      "out",
      "-o",
      "json",
    );
    const facts = JSON.parse(made) as { readonly archive: string; readonly config: string };

    mkdirSync(join(folder, "image"));
    mkdirSync(join(folder, "share"));
    execFileSync("tar", ["-xzf", join(folder, facts.archive), "-C", join(folder, "image")]);
    copyFileSync(join(folder, facts.config), join(folder, "image/etc/moult/device.yaml"));
    const console = join(folder, "console.log");
    const inside = ["unshare", ...NAMESPACES, "bash", join(import.meta.dirname, "own-systemd.sh"), folder].join(" ");
    start("script", ["-qfec", inside, console]);

    const said = (name: string): string =>
      existsSync(join(folder, "share", name)) ? readFileSync(join(folder, "share", name), "utf8") : "";
    try {
      await until("the agent has opened a session", COMES_UP_MS, () => said("moult.log").includes("session opened"));
      await until("the agent asks", COMES_UP_MS, () => said("moult.log").includes('"msg":"verdict"'));
    } catch (error) {
      throw new Error([readFileSync(console, "utf8"), said("moult-first-boot.log"), said("moult.log")].join("\n"), {
        cause: error,
      });
    }
    const nodes = JSON.parse(run(MOULT, "fleet", "get", "nodes", "-o", "json")) as {
      readonly nodes: readonly { readonly version: string }[];
    };
    expect(nodes.nodes.map(({ version }) => version)).toEqual(["1.0.0"]);
    expect(said("moult-first-boot.log")).toContain("2 parts were copied into the store");
    // No job was thrown out to break a cycle, and no unit failed.
    expect(readFileSync(console, "utf8")).not.toMatch(/ordering cycle|Failed with result/);
  });
});
