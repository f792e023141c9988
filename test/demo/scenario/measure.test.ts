/** What is taken for committed and reverted, and what the picture is made of. */
import { describe, expect, it } from "vitest";
import { MARGIN_RATIO, planFleet, portsNeeded } from "../fleet/plan.ts";
import { GrowingCount, type Told, type ToldNode } from "../fleet/told.ts";
import type { LoadFigures } from "../load/messages.ts";
import type { Seen, SeenNode } from "../observer/messages.ts";
import { composeScene } from "../view/compose.ts";
import { takeFigures } from "./measure.ts";

const traffic: LoadFigures = {
  total: 6000,
  failed: 0,
  inFlight: 0,
  offeredRps: 100,
  latencyP50Ms: 81,
  latencyP99Ms: 140,
  longestFailureMs: 0,
  longestFailureByNodeMs: {},
  failuresByReason: {},
  answeredByVersion: {},
};

function seenNode(box: string, more: Partial<SeenNode> = {}): SeenNode {
  return { box, serving: true, version: "2.0.0", phase: "SERVING", message: "", versionsSeen: ["2.0.0"], ...more };
}

function toldNode(box: string, more: Partial<ToldNode> = {}): ToldNode {
  const plain = { node: `n-${box}`, state: "SERVING", version: "2.0.0", loadRps: 10, capacityRps: 20, stayReason: "" };
  return { ...plain, box, outcome: "COMMITTED", outcomeDigest: "", outcomeMessage: "", ...more };
}

function told(nodes: readonly ToldNode[]): Told {
  return { nodes, refusals: { allowlist: 1, dial: 2, capacity: 3 }, demandRps: 100, needRps: 115 };
}

function seen(nodes: readonly SeenNode[]): Seen {
  return { nodes, servingCapacityRps: 240, awayAtOnceMax: 4, absencesMs: [2000, 1000, 3000] };
}

const readings = {
  nodes: 3,
  traffic,
  floor: { held: true, samples: 10, spareMinRps: 5 },
  reportedCommitted: new Set(["a", "b", "c"]),
  two: { version: "2.0.0" },
  three: { version: "3.0.0" },
  namedForThree: ["c"],
  elapsedMs: 61_234,
};

describe("takeFigures", () => {
  it("counts a node that is seen back on version 2 after it tried version 3 as committed and as reverted", () => {
    const { figures, evidence } = takeFigures({
      ...readings,
      told: told([toldNode("a"), toldNode("b"), toldNode("c", { outcome: "REVERTED" })]),
      seen: seen([seenNode("a"), seenNode("b"), seenNode("c", { versionsSeen: ["2.0.0", "3.0.0"] })]),
    });
    expect(figures).toMatchObject({ committed: 3, reverted: 1, awayMsMedian: 2000, awayAtOnceMax: 4, durationS: 61.2 });
    expect(evidence).toEqual({ triedThree: ["c"], namedForThree: ["c"] });
  });

  it("believes neither side alone", () => {
    const { figures } = takeFigures({
      ...readings,
      reportedCommitted: new Set(["a", "c"]),
      // b never reported; c reports a revert that nobody saw; a is not seen to serve.
      told: told([toldNode("a"), toldNode("b"), toldNode("c", { outcome: "REVERTED" })]),
      seen: seen([seenNode("a", { serving: false }), seenNode("b"), seenNode("c")]),
    });
    expect(figures).toMatchObject({ committed: 1, reverted: 0 });
  });
});

describe("composeScene", () => {
  it("shows a workload that cannot work as failed, whatever the router thinks", () => {
    const ports = Array.from({ length: portsNeeded(4) }, (_, i) => 15_000 + i);
    const plan = planFleet(4, ports);
    const [first, second] = plan.boxes;
    const routed = [
      { node: "n", endpoint: `127.0.0.1:${second?.port}`, state: "LEAVING", version: "", inFlight: 0, ejected: false },
    ];
    const scene = composeScene({
      plan,
      told: told([toldNode("box-01"), toldNode("box-02", { stayReason: "BRAKED" })]),
      seen: seen([seenNode("box-01", { serving: false, phase: "FAILED", version: "3.0.0" }), seenNode("box-02")]),
      traffic,
      routed,
      elapsedMs: 0,
    });
    expect(first?.box).toBe("box-01");
    expect(scene.boxes.map(({ state }) => state)).toEqual(["failed", "leaving", "starting", "starting"]);
    expect(scene.boxes[1]).toMatchObject({ version: "2.0.0", loadRps: 10, loadRatio: 0.4 });
    expect(scene.brake).toBe(true);
  });
});

describe("planFleet", () => {
  it("asks for more than can be spared when load is high, and leaves room for several to leave when it is low", () => {
    const plan = planFleet(
      12,
      Array.from({ length: portsNeeded(12) }, (_, i) => 15_000 + i),
    );
    const spareOne = plan.capacityRps * (11 / 12);
    expect(plan.highRps * (1 + MARGIN_RATIO)).toBeGreaterThan(spareOne);
    expect(plan.highRps).toBeLessThan(plan.capacityRps);
    expect(plan.lowRps * (1 + MARGIN_RATIO)).toBeLessThan(plan.capacityRps * (7 / 12));
  });
});

describe("GrowingCount", () => {
  it("goes on where a coordinator counts from its beginning again", () => {
    const count = new GrowingCount();
    expect([0, 5, 9, 0, 2, 4].map((value) => count.take(value))).toEqual([0, 5, 9, 9, 11, 13]);
  });
});
