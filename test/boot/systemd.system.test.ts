/**
 * A whole box under a real systemd: the launcher becomes the agent, the watchdog is fed and bites, the workload lives in
 * its own unit, and what fails falls back without a launcher that stays.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FailureReason, OutcomeKind, Slot } from "@moult/contracts/v1";
import { beforeAll, describe, expect, it } from "vitest";
import { type BundledAgents, Fleet, bundleTwo, makeBuild } from "../../apps/agent/src/testing/fleet.ts";
import { until } from "../../apps/agent/src/testing/until.ts";
import { Init, whyNoInit } from "./init.ts";
import { UNITS_WANTED, unitsOf } from "./units.ts";

const missing = whyNoInit();
if (missing !== undefined) process.stdout.write(`test/boot under systemd is skipped: it ${missing}\n`);

const AGENT = "moult-agent.service";
const WORK = "moult-work.service";

let agents: BundledAgents;
beforeAll(async () => {
  if (missing === undefined) agents = await bundleTwo();
});

/** A device on a systemd of its own. */
async function home(config: Record<string, unknown> = {}): Promise<{ readonly fleet: Fleet; readonly init: Init }> {
  const fleet = new Fleet();
  let init: Init | undefined;
  const unit = { runner: "unit", env: { CONTROLS: fleet.root } };
  await fleet.start(
    makeBuild(1, agents.one, "good"),
    agents.launcher,
    { workload: unit, trial_timeout_ms: 20_000, unreachable_soak_ms: 20_000, ...config },
    async (device) => {
      const units = unitsOf(device, process.execPath, join(fleet.root, "log"));
      init = await Init.start(fleet.root, units, UNITS_WANTED);
    },
  );
  return { fleet, init: init as Init };
}

/** An agent that goes wrong in its own way, instead of looking after its device. */
const brokenAgent = (code: string): string => `${code}\n`;

describe.skipIf(missing !== undefined)("under systemd", () => {
  it("the launcher becomes the agent, feeds the watchdog, and leaves the workload to its own unit", async () => {
    const { fleet, init } = await home();
    await until("READY", async () => (await init.property(AGENT, "ActiveState")) === "active");
    const pid = await init.mainPid(AGENT);
    expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).toContain("agent/agent.mjs");
    expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).toContain("--permission");
    const serves = `${fleet.root}/good.environment`;
    await until("a workload that serves", () => existsSync(serves));
    const work = await init.mainPid(WORK);
    expect(readFileSync(serves, "utf8")).toContain("MOULT_WORK_IDENTITY");
    expect(readFileSync(`/proc/${work}/environ`, "utf8")).not.toContain("NODE_OPTIONS");

    // Longer than the watchdog's time, fed all along.
    const fedUntilMs = Date.now() + 7_000;
    await until("two watchdog periods", () => Date.now() > fedUntilMs);
    expect(await init.mainPid(AGENT)).toBe(pid);
    expect(await init.property(AGENT, "NRestarts")).toBe("0");

    // A hang is noticed from outside, and the workload knows nothing of it.
    process.kill(pid, "SIGSTOP");
    await until("another agent", async () => ![0, pid].includes(await init.mainPid(AGENT)), 30_000);
    const asked = fleet.coordinator.asks.length;
    await until("its ask", () => fleet.coordinator.asks.length > asked);
    expect(await init.mainPid(WORK)).toBe(work);

    // A workload that ends is started again.
    process.kill(work, "SIGKILL");
    await until("the next workload", async () => ![0, work].includes(await init.mainPid(WORK)));
  });

  it("moves to a new agent without touching the workload, and to a new workload through its unit", async () => {
    const { fleet, init } = await home();
    const work = await until("the workload", async () => (await init.mainPid(WORK)) || undefined);
    const two = makeBuild(2, agents.two, "good");
    fleet.publish(two);
    expect(await fleet.outcome(1)).toMatchObject({ kind: OutcomeKind.COMMITTED, runningDigest: two.digest });
    expect(await init.mainPid(WORK)).toBe(work);
    await until("asks from slot a", () => fleet.coordinator.asks.at(-1)?.slot === Slot.A);

    const three = makeBuild(3, agents.two, "good", "# another workload");
    fleet.publish(three);
    expect(await fleet.outcome(2)).toMatchObject({ kind: OutcomeKind.COMMITTED, runningDigest: three.digest });
    const next = await init.mainPid(WORK);
    expect([0, work]).not.toContain(next);

    const four = makeBuild(4, agents.two, "ill");
    fleet.publish(four);
    expect(await fleet.outcome(3)).toMatchObject({
      kind: OutcomeKind.REVERTED,
      reason: FailureReason.HEALTH_CHECK,
      runningDigest: three.digest,
    });
    await until("the workload of before", async () => ![0, next].includes(await init.mainPid(WORK)));
    expect(existsSync(join(fleet.deviceDir, "run", "work-unwanted"))).toBe(false);
  });

  it("falls back from an agent that ends at once, and from one that comes up and hangs", async () => {
    const { fleet, init } = await home();
    const factory = fleet.coordinator.asks[0]?.runningDigest;
    const dead = makeBuild(2, brokenAgent("process.exit(3)"), "good");
    fleet.publish(dead);
    expect(await fleet.outcome(1)).toMatchObject({
      kind: OutcomeKind.REVERTED,
      reason: FailureReason.AGENT_DID_NOT_START,
      targetDigest: dead.digest,
      runningDigest: factory,
    });
    const ready = `(await import("node:child_process")).execFileSync("/usr/bin/systemd-notify", ["READY=1"]); for (;;);`;
    const hung = makeBuild(3, brokenAgent(ready), "good");
    fleet.publish(hung);
    const outcome = await until("the second outcome", () => fleet.outcomes[1], 60_000);
    expect(outcome).toMatchObject({
      kind: OutcomeKind.REVERTED,
      reason: FailureReason.AGENT_DID_NOT_START,
      targetDigest: hung.digest,
      runningDigest: factory,
    });
    expect(await init.property(AGENT, "ActiveState")).toBe("active");
  });
});
