/** What operators are told before they turn the dial. */
import { describe, expect, test } from "vitest";
import { FleetError, simulateFleet } from "./what-if.ts";

const nodes = (count: number, upToDate = false): { capacityRps: number; upToDate: boolean }[] =>
  Array.from({ length: count }, () => ({ capacityRps: 10, upToDate }));

describe("a fleet as it is now", { timeout: 60_000 }, () => {
  test("moves soon where there is room, and later where there is little", () => {
    const forecast = simulateFleet({
      pools: [
        { poolId: "roomy", demandRps: 100, nodes: nodes(40) },
        { poolId: "tight", demandRps: 280, nodes: nodes(40) },
      ],
      hour: 15,
      seeds: [1, 2],
    });
    const [roomy, tight] = forecast.pools;
    expect(forecast.nodes).toBe(80);
    expect(roomy?.t50H ?? 99).toBeLessThan(1);
    expect(tight?.t50H ?? 99).toBeGreaterThan(roomy?.t50H ?? 0);
    expect(forecast.awayMax).toBeGreaterThan(1);
  });

  test("that is up to date has nothing to do", () => {
    const pools = [{ poolId: "p", demandRps: 10, nodes: nodes(5, true) }];
    expect(simulateFleet({ pools, hour: 0, seeds: [1] })).toMatchObject({ t99H: 0, awayMax: 0, violations: 0 });
  });

  test.each([
    [{ pools: [], hour: 1 }, /no node serves/],
    [{ pools: [{ poolId: "p", demandRps: Number.NaN, nodes: nodes(1) }], hour: 1 }, /demand/],
    [{ pools: [{ poolId: "p", demandRps: 1, nodes: [{ capacityRps: 0, upToDate: false }] }], hour: 1 }, /every node/],
    [{ pools: [{ poolId: "p", demandRps: 1, nodes: nodes(1) }], hour: 25 }, /hour/],
  ])("is refused where it makes no sense", (question, message) => {
    expect(() => simulateFleet(question)).toThrow(FleetError);
    expect(() => simulateFleet(question)).toThrow(message);
  });
});
