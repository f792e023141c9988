/** The supervisor with a workload that is a program. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DiskError } from "@moult/slots";
import { describe, expect, it, onTestFinished } from "vitest";
import { nodeDisk } from "../adapters/node-disk.ts";
import { findWork } from "../adapters/work/find.ts";
import { processFacts } from "../adapters/work/process-facts.ts";
import { readWanted } from "../adapters/work/wanted.ts";
import { until } from "../testing/until.ts";
import { Device, TRIAL, serving } from "./testing/device.ts";
import { isDeaf } from "./view.ts";

describe("a workload that is a program", () => {
  it("is started with its own environment, and goes on under the next agent", async () => {
    const device = await new Device().prepare();
    const build = await device.program("one");
    process.env["MOULT_ENROLLMENT_TOKEN"] = "secret";
    onTestFinished(() => void delete process.env["MOULT_ENROLLMENT_TOKEN"]);
    const first = await device.agent({ GREETING: "hello" });
    await first.supervisor.ensure(build);
    expect(await serving(first)).toMatchObject({ exits: 0, shards: ["s1"], startedTotal: 0n });
    const environment = JSON.parse(readFileSync(`${device.control}.environment`, "utf8")) as Record<string, string>;
    expect(environment).toMatchObject({ GREETING: "hello", MOULT_WORK_SOCKET: device.socketPath });
    expect(environment["MOULT_ENROLLMENT_TOKEN"]).toBeUndefined();
    const pid = await first.pid();
    first.supervisor.close();

    const second = await device.agent();
    await second.supervisor.ensure(build);
    await serving(second);
    expect(await second.pid()).toBe(pid);
  });

  it("is started by the agent before for the one that adopts it, with what that build's workload is", async () => {
    const device = await new Device().prepare();
    const [old, next] = [await device.program("one"), await device.program("two")];
    const first = await device.agent();
    await first.supervisor.ensure(old);
    await serving(first);
    const oldPid = await first.pid();
    await first.supervisor.stop();
    await first.supervisor.startForNext(next);
    const pid = await first.pid();
    expect(pid).not.toBe(oldPid);
    first.supervisor.close();
    const second = await device.agent();
    await second.supervisor.ensure(next);
    await serving(second);
    expect(await second.pid()).toBe(pid);
    expect((await findWork(await device.premises())).map(({ identity }) => identity)).toEqual([next.identity]);
  });

  it("is found by the next agent although nobody had the time to write it down", async () => {
    const device = await new Device().prepare();
    const build = await device.program("one");
    const first = await device.agent();
    await first.supervisor.ensure(build);
    await serving(first);
    const pid = await first.pid();
    first.supervisor.close();
    rmSync(join(device.runFolder, "workload"));
    const second = await device.agent();
    await second.supervisor.ensure(build);
    expect(await second.pid()).toBe(pid);
  });

  it.each(["its own", "an adopted"])(
    "is started again at once when %s process is killed, and the end is seen",
    async (whose) => {
      const device = await new Device().prepare();
      const build = await device.program("one");
      let agent = await device.agent();
      await agent.supervisor.ensure(build);
      await serving(agent);
      if (whose === "an adopted") {
        agent.supervisor.close();
        agent = await device.agent();
        await agent.supervisor.ensure(build);
        await serving(agent);
      }
      const pid = (await agent.pid()) ?? 0;
      const { run } = agent.supervisor.seen.view;
      process.kill(pid, "SIGKILL");
      const killedMs = performance.now();
      await until(
        "the end being seen",
        () => agent.views.some((view) => view.state === "STOPPED" && view.run === run),
        2_000,
      );
      expect(performance.now() - killedMs).toBeLessThan(1_000);
      const again = await serving(agent);
      expect(again).toMatchObject({ exits: 1, run: run + 1 });
      expect(await agent.pid()).not.toBe(pid);
    },
  );

  it("hears what it was told also in its next run, until it is told otherwise", async () => {
    const device = await new Device().prepare();
    const agent = await device.agent();
    await agent.supervisor.ensure(await device.program("one"));
    await serving(agent);
    agent.supervisor.drain(10_000);
    expect(agent.supervisor.seen.view.told).toBe(false);
    await until("a drain", () => agent.supervisor.seen.view.told && agent.supervisor.seen.view.state === "DRAINING");
    process.kill((await agent.pid()) ?? 0, "SIGKILL");
    await until("a second drain", () => device.calls.filter((call) => call.endsWith("drain")).length === 2);
    agent.supervisor.restore(["s1", "s2"]);
    await until("a restore", () => device.calls.at(-1)?.endsWith("restore s1,s2"));
    await serving(agent);
  });

  it("does not stay drained when the agent that had drained it is gone", async () => {
    const device = await new Device().prepare();
    const build = await device.program("one");
    const first = await device.agent();
    await first.supervisor.ensure(build);
    await serving(first);
    first.supervisor.drain(10_000);
    await until("a drain", () => device.calls.some((call) => call.endsWith("drain")));
    first.supervisor.close();
    const second = await device.agent();
    await second.supervisor.ensure(build);
    await serving(second);
    expect(device.calls.at(-1)).toMatch(/restore s1$/);
  });

  it("is ended and stays so; one that is deaf to SIGTERM is killed after its grace", async () => {
    for (const deaf of ["0", "1"]) {
      const device = await new Device().prepare();
      const agent = await device.agent({ DEAF: deaf });
      await agent.supervisor.ensure(await device.program("one"));
      await serving(agent);
      const pid = (await agent.pid()) ?? 0;
      await agent.supervisor.stop();
      expect(await processFacts(pid)).toBeUndefined();
      expect(agent.supervisor.seen.view).toMatchObject({ state: "STOPPED", exits: 0 });
    }
  });

  it("is exchanged for another one, and only then", async () => {
    const device = await new Device().prepare();
    const first = await device.agent();
    await first.supervisor.ensure(await device.program("one"));
    await serving(first);
    const pid = (await first.pid()) ?? 0;
    first.supervisor.close();
    const second = await device.agent();
    await second.supervisor.ensure(await device.program("two"));
    expect(await processFacts(pid)).toBeUndefined();
    await serving(second);
    expect((await findWork(await device.premises())).map(({ identity }) => identity)).toEqual(["two"]);
    expect(await nodeDisk.list(join(device.root, "work"))).toEqual(["two"]);
  });

  it("that cannot be started is tried again later and later, and counts as ended", async () => {
    const device = await new Device().prepare();
    const build = await device.build("bad", "no program", {
      kind: "work-service",
      command: ["{slot}/nothing"],
      ...TRIAL,
    });
    const agent = await device.agent();
    await agent.supervisor.ensure(build);
    const view = await until("three ends", () => agent.supervisor.seen.view.exits >= 3 && agent.supervisor.seen.view);
    expect(view).toMatchObject({ state: "STOPPED", answering: false });
  });

  it("that falls silent is not taken to serve", async () => {
    const device = await new Device().prepare();
    const agent = await device.agent();
    await agent.supervisor.ensure(await device.program("one"));
    await serving(agent);
    writeFileSync(device.control, "not JSON");
    const view = await until(
      "silence",
      () => agent.supervisor.seen.view.state === "FAILED" && agent.supervisor.seen.view,
    );
    expect(view.answering).toBe(false);
    device.say({});
    await serving(agent);
  });

  it("is placed later where the disk did not take it, without a fault of the agent", async () => {
    const device = await new Device().prepare();
    const build = await device.program("one");
    const agent = await device.agent();
    const work = join(device.root, "work");
    rmSync(work, { recursive: true });
    writeFileSync(work, "in the way");
    await expect(agent.supervisor.ensure(build)).rejects.toBeInstanceOf(DiskError);
    expect(agent.supervisor.seen.view.state).toBe("STOPPED");
    rmSync(work);
    await serving(agent);
  });

  it("that hangs while it is to drain is called deaf after a while, and not before", () => {
    expect([isDeaf(9, 60_000), isDeaf(50, 9_999), isDeaf(10, 10_000)]).toEqual([false, false, true]);
  });
});

describe("a workload that a unit runs", () => {
  it("is wanted, adopted and stopped by files alone, while somebody else starts and ends it", async () => {
    const device = await new Device().prepare();
    const build = await device.program("one");
    const wanted = join(device.runFolder, "work-wanted");
    const unwanted = join(device.runFolder, "work-unwanted");
    const first = await device.agent({}, "unit");
    await first.supervisor.ensure(build);
    expect(first.supervisor.seen.view.state).toBe("STARTING");
    const { argv, cwd, env } = (await readWanted(nodeDisk, wanted)) ?? { argv: [], cwd: "", env: {} };
    expect(argv[0]).toBe(join(device.root, "work", "one", "work"));
    const unit = spawn(argv[0] ?? "", argv.slice(1), {
      cwd,
      env: { ...env, PATH: process.env["PATH"] },
      detached: true,
    });
    onTestFinished(() => void unit.kill("SIGKILL"));
    await serving(first);
    first.supervisor.close();

    const second = await device.agent({}, "unit");
    await second.supervisor.ensure(build);
    await serving(second);
    expect(unit.exitCode ?? unit.signalCode).toBeNull();

    const stopped = second.supervisor.stop();
    await until("the wish", () => existsSync(unwanted));
    expect(existsSync(wanted)).toBe(false);
    unit.kill("SIGKILL");
    rmSync(unwanted);
    await stopped;
    expect(second.supervisor.seen.view.state).toBe("STOPPED");
  });
});
