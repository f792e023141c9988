/** A whole device, launcher, agents and workload as processes, through a good release, a bad one and a killed agent. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FailureReason, OutcomeKind, Slot } from "@moult/contracts/v1";
import { digestOf } from "@moult/trust";
import { beforeAll, describe, expect, it } from "vitest";
import { type BundledAgents, Fleet, bundleTwo, makeBuild } from "./testing/fleet.ts";
import { until } from "./testing/until.ts";

let agents: BundledAgents;

beforeAll(async () => {
  agents = await bundleTwo();
});

describe("a device", () => {
  it("moves to a good build, works on through an agent's swap, and comes back from a bad build by itself", async () => {
    const fleet = await new Fleet().start(makeBuild(1, agents.one, "good"), agents.launcher);
    const first = await fleet.pid("workload");

    // Only the agent is another one: one part is fetched, and the workload is not touched.
    const two = makeBuild(2, agents.two, "good");
    fleet.publish(two);
    expect(await fleet.outcome(1)).toMatchObject({
      kind: OutcomeKind.COMMITTED,
      targetDigest: two.digest,
      runningDigest: two.digest,
      permitId: "permit-2.0.0",
    });
    expect(fleet.sources?.parts).toEqual([digestOf(new TextEncoder().encode(agents.two))]);
    expect(fleet.pidOf("workload")).toBe(first);
    const calls = existsSync(join(fleet.root, "good.calls"))
      ? readFileSync(join(fleet.root, "good.calls"), "utf8")
      : "";
    expect(calls).not.toContain("drain");
    await until("asks from slot a", () => fleet.coordinator.asks.at(-1)?.slot === Slot.A);

    const three = makeBuild(3, agents.two, "ill");
    fleet.publish(three);
    expect(await fleet.outcome(2)).toMatchObject({
      kind: OutcomeKind.REVERTED,
      reason: FailureReason.HEALTH_CHECK,
      message: expect.stringContaining("no database") as string,
      targetDigest: three.digest,
      runningDigest: two.digest,
      permitId: "permit-3.0.0",
    });
    await until("the denial in an ask", () => fleet.coordinator.asks.at(-1)?.deniedDigests[0] === three.digest);
    expect(fleet.coordinator.asks.at(-1)?.slot).toBe(Slot.A);
    // The old workload was drained, stopped for the trial and started again.
    expect(readFileSync(join(fleet.root, "good.calls"), "utf8")).toMatch(/drain\n/);
    expect(fleet.pidOf("workload")).not.toBe(first);
  });

  it("survives a killed agent, a killed coordinator and a killed workload", async () => {
    const fleet = await new Fleet().start(makeBuild(1, agents.one, "good"), agents.launcher);
    const agent = await fleet.pid("agent");
    const work = await fleet.pid("workload");
    process.kill(agent, "SIGKILL");
    await until("the next agent", () => fleet.pidOf("agent") !== agent && fleet.pidOf("agent") !== 0);
    const asked = fleet.coordinator.asks.length;
    await until("its ask", () => fleet.coordinator.asks.length > asked);
    expect(fleet.pidOf("workload")).toBe(work);

    fleet.coordinator.kill();
    fleet.coordinator.forget();
    await fleet.coordinator.start();
    const before = fleet.coordinator.asks.length;
    await until("an ask after the restart", () => fleet.coordinator.asks.length > before);

    process.kill(work, "SIGKILL");
    await until("the next workload", () => fleet.pidOf("workload") !== work && fleet.pidOf("workload") !== 0);
    expect(fleet.outcomes).toEqual([]);
  });
});
