/** The views: what a person gets to see. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Figures, judge, judgeForced } from "../figures.ts";
import { bar, paintLine, piece } from "./paint.ts";
import { createPlainView, standing } from "./plain.ts";
import { renderScene } from "./render.ts";
import type { Scene, Story } from "./scene.ts";
import { summarise } from "./summary.ts";

const scene: Scene = {
  boxes: Array.from({ length: 12 }, (_, i) => ({
    box: `box-${String(i + 1).padStart(2, "0")}`,
    version: i < 4 ? "2.0.0" : "1.0.0",
    state: i === 4 ? "leaving" : "serving",
    loadRatio: 0.5,
    loadRps: 10,
  })),
  capacityAllRps: 240,
  capacityServingRps: 220,
  offeredRps: 120,
  refusals: { allowlist: 1, dial: 24, capacity: 3 },
  brake: false,
  requestsTotal: 4321,
  requestsFailed: 0,
  latencyP50Ms: 81,
  latencyP99Ms: 130,
  elapsedMs: 42_300,
};
const story: Story = { step: 4, steps: 8, title: "Everyone may go.", notes: ["first", "second"] };

const figures: Figures = {
  nodes: 12,
  committed: 12,
  reverted: 2,
  requestsTotal: 8000,
  requestsFailed: 0,
  refusals: { allowlist: 12, dial: 24, capacity: 6 },
  awayAtOnceMax: 5,
  awayMsMedian: 2100,
  capacityFloorHeld: true,
  durationS: 78,
};
const evidence = { triedThree: ["box-02", "box-01"], namedForThree: ["box-01", "box-02"] };

describe("renderScene", () => {
  it("shows every box, the fleet, the refusals, the traffic and the step", () => {
    const text = renderScene(scene, story, { columns: 100, rows: 40, colour: false }).join("\n");
    for (let i = 1; i <= 12; i += 1) expect(text).toContain(`box-${String(i).padStart(2, "0")}`);
    expect(text).toContain("4/8 Everyone may go.");
    expect(text).toContain("220 of 240 req/s");
    expect(text).toContain("1 allowlist 1   2 dial 24   3 capacity 3");
    expect(text).toContain("4321 requests   0 failed");
    expect(text).toContain("second");
  });

  it("says in red when less can be carried than is asked for", () => {
    const short = { ...scene, capacityServingRps: 100 };
    const frame = { columns: 100, rows: 40, colour: true };
    expect(renderScene(short, story, frame).join("\n")).toContain("\u001b[31m 120 asked");
    expect(renderScene(scene, story, frame).join("\n")).not.toContain("\u001b[31m 120 asked");
  });

  it("fits any terminal", () => {
    const sizes = fc.record({ columns: fc.integer({ min: 1, max: 200 }), rows: fc.integer({ min: 1, max: 60 }) });
    fc.assert(
      fc.property(sizes, (size) => {
        const lines = renderScene(scene, story, { ...size, colour: false });
        expect(lines.length).toBeLessThanOrEqual(size.rows);
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(size.columns);
      }),
    );
  });
});

describe("paintLine", () => {
  it("cuts by characters, not by colour codes", () => {
    expect(paintLine([piece("abc", "red"), piece("def")], 4, true)).toBe("\u001b[31mabc\u001b[0md");
    expect(paintLine([piece("abc", "red"), piece("def")], 4, false)).toBe("abcd");
  });

  it("fills a bar by its share and never beyond", () => {
    expect(bar(0.5, 4)).toBe("██░░");
    expect(bar(7, 4)).toBe("████");
    expect(bar(-1, 4)).toBe("░░░░");
  });
});

describe("the plain view", () => {
  it("writes a line for what happens and now and then how it stands", () => {
    const lines: string[] = [];
    const view = createPlainView(
      (line) => lines.push(line),
      () => 1500,
    );
    view.begin(1, 8, "It begins.");
    view.tell("Something happened.");
    view.draw({ ...scene, elapsedMs: 4000 });
    view.draw({ ...scene, elapsedMs: 5100 });
    view.draw({ ...scene, elapsedMs: 6000 });
    view.close();
    view.draw({ ...scene, elapsedMs: 60_000 });
    expect(lines).toEqual([
      "   1.5 s  [1/8] It begins.",
      "   1.5 s        Something happened.",
      `   1.5 s        ${standing(scene)}`,
    ]);
    expect(standing(scene)).toContain("4 on 2.0.0, 8 on 1.0.0; 120 of 220 req/s used; 0 of 4321 failed");
  });
});

describe("judge", () => {
  it("is content with a run as it should be", () => {
    expect(judge(figures, evidence).filter(({ holds }) => !holds)).toEqual([]);
  });

  it.each([
    [{ committed: 11 }, "all 12 nodes"],
    [{ requestsFailed: 1 }, "no request failed"],
    [{ requestsTotal: 5000 }, "at least 5040"],
    [{ refusals: { allowlist: 0, dial: 1, capacity: 1 } }, "gate 1"],
    [{ refusals: { allowlist: 1, dial: 0, capacity: 1 } }, "gate 2"],
    [{ refusals: { allowlist: 1, dial: 1, capacity: 0 } }, "gate 3"],
    [{ awayAtOnceMax: 1 }, "several nodes"],
    [{ capacityFloorHeld: false }, "could carry"],
    [{ reverted: 1 }, "went back"],
  ])("finds fault with %j", (wrong, words) => {
    const failed = judge({ ...figures, ...wrong }, evidence).filter(({ holds }) => !holds);
    expect(failed).toHaveLength(1);
    expect(failed[0]?.text).toContain(words);
  });

  it("finds fault where somebody else tried version 3", () => {
    const more = { ...evidence, triedThree: ["box-01", "box-02", "box-07"] };
    expect(judge(figures, more).filter(({ holds }) => !holds)).toHaveLength(1);
  });

  it("wants failures where gate 3 was forced open", () => {
    expect(judgeForced(figures).some(({ holds }) => holds)).toBe(false);
    const bad = { ...figures, requestsFailed: 300, capacityFloorHeld: false };
    expect(judgeForced(bad).every(({ holds }) => holds)).toBe(true);
  });
});

describe("summarise", () => {
  it("tells what happened, the figures, what was checked and where to go", () => {
    const text = summarise(figures, judge(figures, evidence), ["Version 2 moved."]).join("\n");
    expect(text).toContain("  - Version 2 moved.");
    expect(text).toMatch(/requests +8000, of which 0 failed/);
    expect(text).toContain("yes  no request failed (0 did)");
    expect(text).toContain("--force-gate 3");
  });
});
