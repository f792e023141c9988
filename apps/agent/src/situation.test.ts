import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createGlance } from "./adapters/host/glance.ts";
import { situationOf } from "./situation.ts";
import { SERVING } from "./update/testing/story.ts";

describe("a situation", () => {
  it("bounds what a workload claims", () => {
    fc.assert(
      fc.property(fc.double(), fc.double(), (capacityRps, loadRps) => {
        const situation = situationOf({ view: SERVING, report: { capacityRps, loadRps, endpoint: "" } }, {});
        for (const rate of [situation.capacityRps, situation.loadRps]) {
          expect(Number.isFinite(rate) && rate >= 0 && rate <= 1e7).toBe(true);
        }
      }),
    );
  });

  it("takes capacity and load from the host where there is no workload, and none where it does not run", () => {
    const report = { capacityRps: 20, loadRps: 5, endpoint: "e:1" };
    const host = { cpuCount: 4, cpuBusyRatio: 0.25 };
    const none = situationOf({ view: { ...SERVING, state: "NONE" }, report }, host);
    expect(none).toMatchObject({ workState: "NONE", capacityRps: 4, loadRps: 1, endpoint: "" });
    const stopped = situationOf({ view: { ...SERVING, state: "STOPPED" }, report }, host);
    expect(stopped).toMatchObject({ capacityRps: 0, loadRps: 0, interruptible: true });
  });
});

describe.runIf(process.platform === "linux")("a glance at the host", () => {
  it("sees the machine it runs on", async () => {
    let nowMs = 0;
    const glance = createGlance("/", () => (nowMs += 1_000));
    await glance();
    const facts = await glance();
    expect(facts.cpuCount).toBeGreaterThan(0);
    expect(facts.memoryTotalBytes).toBeGreaterThan(1_000_000);
    expect(facts.memoryAvailableBytes).toBeLessThanOrEqual(facts.memoryTotalBytes ?? 0);
    expect(facts.diskFreeBytes).toBeGreaterThan(0);
    expect(facts.uptimeMs).toBeGreaterThan(0);
    expect(facts.networkRxBytesPerS).toBeGreaterThanOrEqual(0);
  });
});
