/** The house: what it starts is kept up, and nothing is left of it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it } from "vitest";
import { plainEnvironment } from "./environment.ts";
import { House } from "./house.ts";
import { reservePorts } from "./ports.ts";
import { listProcesses } from "./process-list.ts";
import { WaitedTooLong, until } from "./until.ts";

const open: House[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((house) => house.close(undefined)));
});

async function openHouse(): Promise<House> {
  const house = await House.open();
  open.push(house);
  return house;
}

/** A script that starts a detached process of its own, ignores SIGTERM, and waits. */
const STUBBORN = `
  process.on("SIGTERM", () => {});
  if (process.argv[3] !== "inner") {
    require("node:child_process").spawn(process.execPath, [__filename, process.argv[2], "inner"], {
      detached: true, stdio: "ignore" }).unref();
  }
  setInterval(() => {}, 1000);`;

describe("House", () => {
  it("starts a process again that was killed", async () => {
    const house = await openHouse();
    const script = house.path("wait.cjs");
    await writeFile(script, "setInterval(() => {}, 1000)");
    const running = house.run({ name: "wait", args: [script] });
    const first = running.pid;
    expect(first).toBeDefined();
    process.kill(first ?? 0, "SIGKILL");
    await until("another process runs", 3000, () => running.pid !== undefined && running.pid !== first);
    expect(house.pids()).toEqual({ wait: running.pid });
  });

  it("gives up a process that never comes up, and shows the end of its log", async () => {
    const house = await openHouse();
    const script = house.path("fail.cjs");
    await writeFile(script, "console.error('no such thing'); process.exit(3)");
    house.run({ name: "fail", args: [script] });
    await until("the house gives up", 10_000, () => house.hopeless.aborted);
    expect(String(house.hopeless.reason)).toMatch(/fail does not stay up \(exit code 3\)[^]*no such thing/);
  });

  it("leaves no process and no file, not even of one that ignores signals and left the tree", async () => {
    const house = await openHouse();
    const script = house.path("stubborn.cjs");
    await writeFile(script, STUBBORN);
    house.run({ name: "stubborn", args: [script, house.folder] });
    await until("both processes run", 3000, async () => {
      return (await listProcesses(script)).length === 2;
    });
    await house.close(undefined);
    expect(await listProcesses(house.folder)).toEqual([]);
    expect(existsSync(house.folder)).toBe(false);
  });

  it("is swept even when the demo is killed with -9", async () => {
    const source = `
      import { House } from ${JSON.stringify(join(import.meta.dirname, "house.ts"))};
      import { writeFileSync } from "node:fs";
      const house = await House.open();
      writeFileSync(house.path("w.cjs"), "setInterval(() => {}, 1000)");
      house.run({ name: "w", args: [house.path("w.cjs")] });
      process.stdout.write(house.folder + "\\n");`;
    const demo: ChildProcess = spawn(process.execPath, ["--input-type=module-typescript", "-e", source], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (demo.stdout === null) throw new Error("no output");
    const [folder] = (await once(createInterface(demo.stdout), "line")) as [string];
    expect(existsSync(folder)).toBe(true);
    demo.kill("SIGKILL");
    await until("everything is gone", 8000, async () => {
      return !existsSync(folder) && (await listProcesses(folder)).length === 0;
    });
  });
});

describe("reservePorts", () => {
  it("gives different ports, outside the range of outgoing connections", async () => {
    const ports = await reservePorts(20);
    expect(new Set(ports).size).toBe(20);
    const range = "/proc/sys/net/ipv4/ip_local_port_range";
    const lowest = existsSync(range) ? Number((await readFile(range, "utf8")).split(/\s+/)[0]) : 32_768;
    expect(Math.max(...ports)).toBeLessThan(lowest);
  });
});

describe("until", () => {
  it("says what it waited for in vain", async () => {
    await expect(until("pigs fly", 60, () => false)).rejects.toThrow(WaitedTooLong);
    await expect(until("pigs fly", 60, () => false)).rejects.toThrow("waited 0.1 s in vain until pigs fly");
  });
});

describe("plainEnvironment", () => {
  it("passes nothing on that would steer Moult or Node", () => {
    const env = { PATH: "/bin", MOULT_NETWORK: "x", NODE_OPTIONS: "--inspect", npm_config_x: "y" };
    expect(plainEnvironment(env)).toEqual({ PATH: "/bin" });
  });
});
