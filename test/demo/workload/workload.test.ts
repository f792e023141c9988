/** The workload's parts, and the workload as a process: its limit, its phases, its end. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { createClient } from "@moult/contracts";
import { State, WorkService } from "@moult/contracts/work";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { reservePorts } from "../harness/ports.ts";
import { until } from "../harness/until.ts";
import { Rate } from "../measure/rate.ts";
import { findMissing } from "./self-check.ts";
import { WorkState } from "./state.ts";
import { WorkQueue } from "./work-queue.ts";

describe("WorkQueue", () => {
  it("does as much at once as it has slots, lets a bounded line wait and refuses the rest", () => {
    const queue = new WorkQueue({ slots: 2, waitingMax: 3 });
    const taken = Array.from({ length: 7 }, () => queue.enter() !== undefined);
    expect(taken).toEqual([true, true, true, true, true, false, false]);
    expect(queue.inFlight).toBe(5);
    expect(queue.startedTotal).toBe(5);
  });

  it("gives a freed slot to whoever waits longest", async () => {
    const queue = new WorkQueue({ slots: 1, waitingMax: 2 });
    const order: string[] = [];
    await queue.enter();
    const first = queue.enter()?.then(() => order.push("first"));
    const second = queue.enter()?.then(() => order.push("second"));
    queue.leave();
    await first;
    queue.leave();
    await second;
    expect(order).toEqual(["first", "second"]);
  });

  it("is empty again once all that entered has left, and never runs more than its slots", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(fc.boolean(), { maxLength: 60 }), (slots, steps) => {
        const queue = new WorkQueue({ slots, waitingMax: 2 });
        let inside = 0;
        for (const enters of steps) {
          if (enters && queue.enter() !== undefined) inside += 1;
          else if (!enters && inside > 0) {
            queue.leave();
            inside -= 1;
          }
          expect(queue.inFlight).toBe(inside);
          expect(inside).toBeLessThanOrEqual(slots + 2);
        }
      }),
    );
  });
});

describe("Rate", () => {
  it("measures a steady stream within a tenth", () => {
    const rate = new Rate(2000);
    for (let now = 0; now < 5000; now += 50) rate.count(now);
    expect(rate.perSecond(5000)).toBeGreaterThan(18);
    expect(rate.perSecond(5000)).toBeLessThan(22);
  });

  it("counts what is told late for when it happened, and forgets what is too old", () => {
    const rate = new Rate(1000);
    rate.count(5000);
    for (let late = 4100; late < 5000; late += 10) rate.count(late);
    rate.count(100);
    expect(rate.perSecond(5000)).toBeCloseTo(91 / 0.9, 0);
  });

  it("falls to nothing once the window has passed", () => {
    const rate = new Rate(2000);
    for (let now = 0; now < 1000; now += 10) rate.count(now);
    expect(rate.perSecond(1000)).toBeGreaterThan(40);
    expect(rate.perSecond(3100)).toBe(0);
  });
});

describe("WorkState", () => {
  it("drains only what serves and restores only what drains", () => {
    const state = new WorkState();
    state.drain();
    expect(state.phase).toBe("STARTING");
    state.started(undefined);
    state.drain();
    expect(state.phase).toBe("DRAINING");
    expect(state.takesWork).toBe(true);
    state.restore();
    expect(state.phase).toBe("SERVING");
  });

  it("stays failed, and says why", () => {
    const state = new WorkState();
    state.started("needs the file a");
    state.restore();
    expect(state.phase).toBe("FAILED");
    expect(state.takesWork).toBe(false);
    expect(state.message).toBe("needs the file a");
  });
});

describe("the workload as a process", () => {
  let folder: string;
  let child: ChildProcess | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "moult-workload-"));
  });
  afterEach(async () => {
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    await rm(folder, { recursive: true });
  });

  it("finds a file that the build lacks", async () => {
    expect(await findMissing(import.meta.dirname, ["server.ts"], 0)).toBeUndefined();
    expect(await findMissing(folder, ["catalogue.json"], 0)).toMatch(/catalogue\.json.*ENOENT/);
  });

  it("gives a file a moment to appear", async () => {
    const looking = findMissing(folder, ["late.json"], 5000);
    await writeFile(join(folder, "late.json"), "{}");
    expect(await looking).toBeUndefined();
  });

  it("serves, drains while it still answers, and finishes what it has when told to stop", async () => {
    const [port] = await reservePorts(1);
    const socket = join(folder, "work.sock");
    const env = {
      ...process.env,
      DEMO_BOX: "box-01",
      DEMO_PORT: String(port),
      DEMO_SLOTS: "2",
      DEMO_WAITING_MAX: "1",
      DEMO_SERVICE_MS: "150",
      DEMO_CAPACITY_RPS: "25",
      MOULT_WORK_SOCKET: socket,
    };
    child = spawn(process.execPath, [join(import.meta.dirname, "server.ts")], { env, stdio: "ignore" });
    const base = `http://127.0.0.1:${port}`;
    const health = async (): Promise<string> => {
      try {
        return ((await (await fetch(`${base}/healthz`)).json()) as { phase: string }).phase;
      } catch {
        return "no answer"; // It is still starting.
      }
    };
    await until("the workload serves", 5000, async () => (await health()) === "SERVING");

    const agent = createClient(WorkService, `unix:${socket}`, credentials.createInsecure());
    const call = { timeoutMs: 1000 };
    const answers = Promise.all(Array.from({ length: 4 }, async () => (await fetch(`${base}/work`)).status));
    const statuses = await answers;
    expect(statuses.filter((status) => status === 200)).toHaveLength(3);
    expect(statuses.filter((status) => status === 503)).toHaveLength(1);
    const situation = await agent.situation({}, call);
    expect(situation).toMatchObject({ state: State.SERVING, capacityRps: 25, inFlight: 0, startedTotal: 3n });
    expect(situation.loadRps).toBeGreaterThan(0);

    await agent.drain({ deadlineMs: 1000 }, call);
    expect((await agent.situation({}, call)).state).toBe(State.DRAINING);
    expect((await fetch(`${base}/work`)).status).toBe(200);
    await agent.restore({}, call);
    expect(await health()).toBe("SERVING");

    const last = fetch(`${base}/work`);
    await until(
      "the last request is taken in",
      2000,
      async () => (await agent.situation({}, call)).startedTotal === 5n,
    );
    child.kill("SIGTERM");
    expect((await last).status).toBe(200);
    agent.close();
    await once(child, "exit");
    expect(child.exitCode).toBe(0);
  });
});
