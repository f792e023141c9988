/** The supervisor with workloads that are real processes. */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SlotStore } from "@moult/slots";
import { digestOf } from "@moult/trust";
import { describe, expect, it, onTestFinished } from "vitest";
import { readBootId } from "../adapters/boot-id.ts";
import { monotonicClock, systemChance } from "../adapters/clock.ts";
import { nodeDisk } from "../adapters/node-disk.ts";
import { createBody } from "../adapters/work/body.ts";
import { endOtherWork, findWork } from "../adapters/work/find.ts";
import { processFacts } from "../adapters/work/process-facts.ts";
import { makeFolder } from "../testing/folders.ts";
import { silentLog } from "../testing/silent-log.ts";
import { until } from "../testing/until.ts";
import type { WorkSeen } from "../situation.ts";
import type { WorkView } from "../update/state.ts";
import type { WorkBuild } from "./build.ts";
import { Supervisor } from "./supervisor.ts";

const PROGRAM = join(import.meta.dirname, "..", "testing", "work-program", "main.ts");
const TRIAL = { health_timeout_ms: 1, soak_ms: 0 } as const;

class Device {
  readonly root: string = makeFolder();
  readonly control: string = join(this.root, "control");
  readonly store: SlotStore = new SlotStore(nodeDisk, this.root, systemChance.freshId);
  readonly runFolder: string = join(this.root, "run");
  readonly socketPath: string = join(this.runFolder, "work.sock");

  async prepare(): Promise<this> {
    await this.store.prepare();
    mkdirSync(this.runFolder);
    mkdirSync(join(this.root, "work"));
    this.say({});
    onTestFinished(async () => endOtherWork(await this.premises(), undefined, 0));
    return this;
  }

  async premises(): Promise<Parameters<typeof findWork>[0]> {
    return { disk: nodeDisk, runFolder: this.runFolder, socketPath: this.socketPath, bootId: await readBootId() };
  }

  /** What the workload will say. */
  say(said: object): void {
    writeFileSync(this.control, JSON.stringify(said));
  }

  get calls(): readonly string[] {
    const file = `${this.control}.calls`;
    return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  }

  /** A workload of one script, which is its only part. */
  async build(identity: string, script: string, workload: WorkBuild["workload"]): Promise<WorkBuild> {
    const path = workload.kind === "hooks" ? "hooks/start" : "work";
    const bytes = new TextEncoder().encode(script);
    const part = { path, digest: digestOf(bytes), lengthBytes: bytes.length, executable: true };
    const writer = await this.store.receivePart(part);
    await writer.write(bytes);
    await writer.finish();
    return { identity, workload, parts: [part] };
  }

  program(identity: string): Promise<WorkBuild> {
    const script = `#!/bin/sh\n# ${identity}\nexec ${process.execPath} ${PROGRAM}\n`;
    return this.build(identity, script, { kind: "work-service", command: ["{slot}/work"], ...TRIAL });
  }

  /** An agent's supervisor. */
  async agent(env: Record<string, string> = {}): Promise<Agent> {
    const premises = await this.premises();
    const views: WorkView[] = [];
    const settings = { env: { CONTROL: this.control, ...env }, pollIntervalMs: 50, pollFastMs: 20, stopGraceMs: 300 };
    const supervisor = new Supervisor({
      disk: nodeDisk,
      store: this.store,
      workFolder: join(this.root, "work"),
      bodyOf: (build, folder) => createBody(build, folder, premises, settings.env),
      clearOthers: (identity) => endOtherWork(premises, identity, settings.stopGraceMs),
      settings,
      clock: monotonicClock,
      log: silentLog,
      onSeen: ({ view }: WorkSeen) => void views.push(view),
    });
    supervisor.run();
    onTestFinished(() => supervisor.close());
    return { supervisor, views, pid: async () => (await findWork(premises))[0]?.process.pid };
  }
}

interface Agent {
  readonly supervisor: Supervisor;
  readonly views: WorkView[];
  readonly pid: () => Promise<number | undefined>;
}

function serving({ supervisor }: Agent): Promise<WorkView> {
  return until("a workload that serves", () => {
    const { view } = supervisor.seen;
    return view.state === "SERVING" && view.answering && view;
  });
}

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
});

describe("a workload behind hooks", () => {
  it("is started, asked, told and stopped through them", async () => {
    const device = await new Device().prepare();
    const hooks = join(device.root, "work", "hooked", "hooks");
    const build = await device.build("hooked", "#!/bin/sh\necho start >> $CONTROL.calls\n", {
      kind: "hooks",
      hooks_dir: "hooks",
      ...TRIAL,
    });
    const agent = await device.agent();
    await device.store.placeTree(join(device.root, "work", "hooked"), build.parts);
    const hook = (name: string, script: string): void => {
      writeFileSync(join(hooks, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(hooks, name), 0o755);
    };
    hook("situation", `echo '{"state":"STATE_SERVING","capacityRps":7,"startedTotal":"5","shards":["s1"]}'`);
    hook("drain", `echo "drain $(cat)" >> $CONTROL.calls`);
    hook("restore", `echo "restore $(cat)" >> $CONTROL.calls`);
    hook("stop", `echo stop >> ${device.control}.calls`);
    await agent.supervisor.ensure(build);
    expect(await serving(agent)).toMatchObject({ startedTotal: 5n });
    expect(agent.supervisor.seen.report.capacityRps).toBe(7);
    agent.supervisor.drain(1_500);
    await until("a drain", () => device.calls.some((call) => /^drain \{"deadlineMs":1[0-9]{3}\}$/.test(call)));
    agent.supervisor.restore(["s1"]);
    await until("a restore", () => device.calls.includes('restore {"shards":["s1"]}'));
    agent.supervisor.close();

    const next = await device.agent();
    await next.supervisor.ensure(build);
    await serving(next);
    expect(device.calls.filter((call) => call === "start")).toHaveLength(1);
    // Another build's workload takes its place, as after a fallback: the old one is stopped through its own hook.
    next.supervisor.close();
    const other = await device.agent();
    await other.supervisor.ensure(await device.program("one"));
    expect(device.calls.filter((call) => call === "stop")).toHaveLength(1);
  });
});

describe("no workload", () => {
  it("is a valid case, and says so at once", async () => {
    const device = await new Device().prepare();
    const agent = await device.agent();
    await agent.supervisor.ensure({ identity: "none", workload: { kind: "none", ...TRIAL }, parts: [] });
    expect(agent.supervisor.seen.view).toMatchObject({ state: "NONE", answering: true, told: true, exits: 0 });
    agent.supervisor.drain(1_000);
    await until("being told", () => agent.supervisor.seen.view.told);
    await agent.supervisor.stop();
  });
});
