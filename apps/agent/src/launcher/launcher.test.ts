/** The launcher as a process, with agents that are a few lines of shell. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commitTrial, putOnTrial } from "@moult/slots";
import { describe, expect, it, onTestFinished } from "vitest";
import { SOCKET_VARIABLE } from "../adapters/work/find.ts";
import { processFacts } from "../adapters/work/process-facts.ts";
import { GOOD_AGENT, LaunchedDevice, SHELL_RUNTIME } from "../testing/launched-device.ts";
import { until } from "../testing/until.ts";

const BAD = "exit 1\n";

/** A device with a good factory build that is committed, and a build on trial in slot a. */
async function onTrial(
  script: string,
  settings: Record<string, number> = {},
): Promise<{ device: LaunchedDevice; digest: string }> {
  const device = new LaunchedDevice();
  device.settings = settings;
  const factory = await device.put("factory", GOOD_AGENT);
  const digest = await device.put("a", script);
  await device.records.write(putOnTrial({ committed: { slot: "factory", digest: factory } }, { slot: "a", digest }, 3));
  return { device, digest };
}

describe("the launcher", () => {
  it("starts the factory's agent on a new device and writes that down", async () => {
    const device = new LaunchedDevice();
    const digest = await device.put("factory", GOOD_AGENT);
    device.launch();
    await device.started(1);
    expect(device.starts).toEqual(["factory 0"]);
    expect(await device.record()).toEqual({ committed: { slot: "factory", digest } });
  });

  it("starts an agent again that ended, and does not count that as anything", async () => {
    const device = new LaunchedDevice();
    await device.put("factory", "echo up >&3; exit 3\n");
    device.launch();
    await device.started(3);
    expect((await device.record()).trial).toBeUndefined();
  });

  it("falls back when the new agent does not start, after its tries, and leaves the reason", async () => {
    const { device, digest } = await onTrial(BAD);
    device.launch();
    await device.started(4);
    expect(device.starts).toEqual(["a 1", "a 1", "a 1", "factory 0"]);
    expect((await device.record()).abandoned).toMatchObject({ digest, reason: "AGENT_DID_NOT_START", deny: true });
    expect((await device.record()).abandoned?.message).toContain("code 1");
  });

  it("falls back when the new agent cannot be executed at all", async () => {
    const { device } = await onTrial(GOOD_AGENT);
    rmSync(join(device.root, "slots", "a", "runtime"));
    writeFileSync(join(device.root, "slots", "a", "runtime"), "x".repeat(SHELL_RUNTIME.length));
    device.launch();
    await device.started(1);
    expect(device.starts).toEqual(["factory 0"]);
    expect((await device.record()).abandoned?.reason).toBe("AGENT_DID_NOT_START");
  });

  it.each([
    ["does not come up", "exec sleep 60\n", "did not come up in time"],
    ["comes up and then hangs", "echo up >&3; exec sleep 60\n", "stopped answering"],
  ])("falls back when the new agent %s", async (_, script, message) => {
    const { device } = await onTrial(script, { up_timeout_ms: 150, heartbeat_timeout_ms: 150 });
    device.launch();
    await device.started(4);
    expect(device.starts.at(-1)).toBe("factory 0");
    expect((await device.record()).abandoned?.message).toContain(message);
  });

  it("ends a trial that is alive and never decided", async () => {
    const alive = "echo up >&3; while true; do echo alive >&3; sleep 0.05; done\n";
    const { device } = await onTrial(alive, { trial_timeout_ms: 200, unreachable_soak_ms: 0 });
    device.launch();
    await until("the fallback", () => device.starts.at(-1) === "factory 0");
    expect((await device.record()).abandoned?.reason).toBe("TRIAL_TIMEOUT");
  });

  it("starts what the record says after a hand-over", async () => {
    const device = new LaunchedDevice();
    const factory = await device.put("factory", `echo up >&3; sleep 0.1; exit 75\n`);
    const digest = await device.put("b", GOOD_AGENT);
    const before = { committed: { slot: "factory", digest: factory } } as const;
    await device.records.write(before);
    const child = device.launch();
    await device.started(1);
    await device.records.write(commitTrial(putOnTrial(before, { slot: "b", digest }, 3)));
    await until("slot b", () => device.starts.includes("b 0"));
    expect(child.exitCode).toBeNull();
  });

  it("does not start a slot that is not whole", async () => {
    const device = new LaunchedDevice();
    const factory = await device.put("factory", GOOD_AGENT);
    const digest = await device.put("a", GOOD_AGENT);
    await device.records.write({ committed: { slot: "a", digest }, previous: { slot: "factory", digest: factory } });
    rmSync(join(device.root, "slots", "a", "agent"));
    device.launch();
    await device.started(1);
    expect(device.starts).toEqual(["factory 0"]);
    expect((await device.record()).abandoned).toMatchObject({ digest, reason: "DISK", deny: false });
  });

  it("finds damaged bytes once an agent keeps ending", async () => {
    const device = new LaunchedDevice();
    const factory = await device.put("factory", GOOD_AGENT);
    const digest = await device.put("a", GOOD_AGENT);
    await device.records.write({ committed: { slot: "a", digest }, previous: { slot: "factory", digest: factory } });
    const path = join(device.root, "slots", "a", "agent");
    const damaged = readFileSync(path, "utf8").replace("echo up", "exit  9");
    rmSync(path);
    writeFileSync(path, damaged);
    device.launch();
    await until("the fallback", () => device.starts.at(-1) === "factory 0");
    expect((await device.record()).committed.slot).toBe("factory");
  });

  it("ends agent and workload on SIGTERM", async () => {
    const device = new LaunchedDevice();
    await device.put("factory", GOOD_AGENT);
    const child = device.launch();
    await device.started(1);
    const work = startWork(device.root);
    child.kill("SIGTERM");
    await until("the end", () => child.exitCode !== null);
    expect(child.exitCode).toBe(0);
    expect(readFileSync(join(device.root, "last-word"), "utf8").trim()).toBe("stop");
    await until("the workload's end", () => work.signalCode !== null || work.exitCode !== null);
  });

  it("leaves the workload when it is killed; the agent notices, and the next launcher ends one that does not", async () => {
    for (const notices of [true, false]) {
      const device = new LaunchedDevice();
      const deaf = `echo up >&3; echo $$ > "$DIR/pid"; exec sleep 60\n`;
      const hears = `echo up >&3; echo $$ > "$DIR/pid"; read -r word <&3; exit 0\n`;
      await device.put("factory", notices ? hears : deaf);
      const child = device.launch();
      const pid = Number(await until("the agent", () => readIfThere(join(device.root, "pid"))));
      const work = startWork(device.root);
      child.kill("SIGKILL");
      await until("the launcher's end", () => child.signalCode !== null);
      // Killed before it had the time to write down which agent it started.
      rmSync(join(device.root, "run", "agent"), { force: true });
      if (notices) await until("the agent's end", async () => (await processFacts(pid)) === undefined);
      device.launch();
      await device.started(2);
      expect(await processFacts(pid)).toBeUndefined();
      expect(work.exitCode ?? work.signalCode).toBeNull();
    }
  });
});

/** A process that looks like the device's workload. */
function startWork(root: string): ChildProcess {
  mkdirSync(join(root, "run"), { recursive: true });
  const env = { PATH: process.env["PATH"] ?? "", [SOCKET_VARIABLE]: join(root, "run", "work.sock") };
  const child = spawn("sleep", ["60"], { detached: true, stdio: "ignore", env });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

function readIfThere(path: string): string | undefined {
  const text = existsSync(path) ? readFileSync(path, "utf8").trim() : "";
  return text === "" ? undefined : text;
}
