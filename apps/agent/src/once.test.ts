/** A device that is woken by a timer: one wake at a time, and a whole move where one is due. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { OutcomeKind } from "@moult/contracts/v1";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { EXIT_BUSY, EXIT_STOPPED, EXIT_UNREACHABLE } from "./exit-codes.ts";
import { type BundledAgents, Fleet, bundleTwo, makeBuild } from "./testing/fleet.ts";
import { until } from "./testing/until.ts";

let agents: BundledAgents;
beforeAll(async () => {
  agents = await bundleTwo();
});

describe("a wake by a timer", () => {
  it("asks once, moves when it may, leaves nothing but the workload, and never meets another", async () => {
    const fleet = new Fleet();
    const wakes: ChildProcess[] = [];
    const wake = (): ChildProcess => {
      const config = join(fleet.deviceDir, "device.yaml");
      const args = [join(fleet.deviceDir, "launcher", "launcher.mjs"), "once", "--config", config];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
      wakes.push(child);
      return child;
    };
    const codeOf = (child: ChildProcess): Promise<number | null> =>
      until("the end of a wake", () => child.exitCode !== null && { code: child.exitCode }, 40_000).then(
        (end) => end.code,
      );
    onTestFinished(async () => {
      const work = fleet.pidOf("workload");
      if (work > 0) process.kill(-work, "SIGKILL");
      for (const child of wakes) child.kill("SIGKILL");
    });
    await fleet.start(makeBuild(1, agents.one, "good"), agents.launcher, {}, async () => {
      wake();
      wake();
    });
    const codes = await Promise.all(wakes.map(codeOf));
    expect(codes.toSorted((one, other) => (one ?? 0) - (other ?? 0))).toEqual([EXIT_STOPPED, EXIT_BUSY]);
    expect(fleet.coordinator.asks).toHaveLength(1);
    expect(fleet.coordinator.calls).not.toContain("attend");
    const work = await fleet.pid("workload");
    expect(() => process.kill(work, 0)).not.toThrow();

    const two = makeBuild(2, agents.two, "good");
    fleet.publish(two);
    expect(await codeOf(wake())).toBe(EXIT_STOPPED);
    expect(await fleet.outcome(1)).toMatchObject({ kind: OutcomeKind.COMMITTED, runningDigest: two.digest });
    expect(fleet.pidOf("workload")).toBe(work);

    fleet.coordinator.kill();
    expect(await codeOf(wake())).toBe(EXIT_UNREACHABLE);
    expect(() => process.kill(work, 0)).not.toThrow();
  });
});
