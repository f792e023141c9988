import { describe, expect, it } from "vitest";
import type { WorkAnswer } from "./ports.ts";
import { type Observed, failuresAfter, restartWait, viewOf } from "./view.ts";

const answer: WorkAnswer = {
  state: "SERVING",
  report: { capacityRps: 20, loadRps: 1, endpoint: "e:1" },
  inFlight: 2,
  startedTotal: 3n,
  shards: ["s1"],
  locked: true,
  message: "",
};
const observed: Observed = { kind: "work-service", alive: true, run: 4, exits: 1, told: true, silences: 0, answer };

describe("the view of a workload", () => {
  it("is what it said last, while it lives and answers", () => {
    expect(viewOf(observed).view).toMatchObject({
      state: "SERVING",
      answering: true,
      inFlight: 2,
      locked: true,
      run: 4,
    });
    expect(viewOf({ ...observed, silences: 2 }).view.state).toBe("SERVING");
  });

  it("does not go on saying so when it is silent, gone, or new", () => {
    expect(viewOf({ ...observed, silences: 3 })).toMatchObject({
      view: { state: "FAILED", answering: false, inFlight: 0 },
      report: { capacityRps: 0 },
    });
    expect(viewOf({ ...observed, alive: false }).view).toMatchObject({ state: "STOPPED", answering: false });
    const { answer: _, ...fresh } = observed;
    expect(viewOf(fresh).view).toMatchObject({ state: "STARTING", answering: false });
    expect(viewOf({ ...fresh, kind: "none", alive: false }).view).toMatchObject({
      state: "NONE",
      answering: true,
      told: true,
    });
  });
});

describe("restarts of a workload", () => {
  it("come at once, then later and later, and at once again after a long life", () => {
    let failures = 0;
    const waits: number[] = [];
    for (let end = 0; end < 12; end += 1) {
      failures = failuresAfter(failures, 100);
      waits.push(restartWait(failures));
    }
    expect(waits.slice(0, 4)).toEqual([0, 250, 500, 1_000]);
    expect(Math.max(...waits)).toBe(30_000);
    expect(restartWait(failuresAfter(failures, 3_600_000))).toBe(0);
  });
});
