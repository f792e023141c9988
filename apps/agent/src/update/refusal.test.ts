/** What the machine makes of a "no" from gate 1 on the device, at each place where it is asked. */
import { describe, expect, it } from "vitest";
import type { Refusal } from "./state.ts";
import { OFFERED, PREPARE, STAGED, Story, departing, draining, goVerdict, onTrial } from "./testing/story.ts";

describe("gate 1 on the device", () => {
  const refusal = (reason: Refusal["reason"]): Refusal => ({ reason, message: `because of ${reason}` });
  const REASONS = ["METADATA", "BRAKED", "OUTSIDE_COHORT", "NOT_APPROVED", "UNSUITABLE"] as const;
  const asking = (staged?: typeof STAGED): Story => new Story(staged && { staged }).work().pass(900_000);
  const told = (story: Story): unknown => story.machine.memory.telling?.outcome;

  it.each(REASONS)("refuses an offer (%s): told once, nothing pulled, nothing denied, tried again later", (reason) => {
    const story = asking().answer(PREPARE, refusal(reason));
    expect(story.phase).toBe("IDLE");
    expect(story.kinds()).not.toContain("PULL");
    expect(told(story)).toMatchObject({ kind: "FAILED", reason, permitId: "", targetDigest: OFFERED.digest });
    expect(story.machine.memory.denied).toEqual([]);
    expect(story.stored().outcome).toMatchObject({ reason });
    story.tell({ kind: "OUTCOME_TOLD" }).pass(1_000).tell({ kind: "NUDGED" }).pass(2_000);
    expect(story.phase).toBe("ASKING");
    // A passing reason that has passed is nothing to wait for.
    const passing = reason !== "NOT_APPROVED" && reason !== "UNSUITABLE";
    expect(story.answer(PREPARE).phase).toBe(passing ? "PULLING" : "IDLE");
  });

  it("says a refusal that lasts once for each wait, and not with every ask", () => {
    const story = asking().answer(PREPARE, refusal("METADATA")).tell({ kind: "OUTCOME_TOLD" });
    const { notBeforeMs = 0 } = story.machine.memory.setback ?? {};
    story.machine = { ...story.machine, phase: { name: "IDLE", wakeAtMs: notBeforeMs - 1_000 } };
    story.pass(notBeforeMs - 900 - story.nowMs).answer(PREPARE, refusal("METADATA"));
    expect(story.phase).toBe("IDLE");
    expect(told(story)).toBeUndefined();
  });

  it.each(REASONS)("hands leave back that it will not use (%s), before anything is asked of the workload", (reason) => {
    const story = asking(STAGED).answer(goVerdict("DRAINING"), refusal(reason));
    expect(story.phase).toBe("IDLE");
    expect(story.kinds()).not.toContain("DRAIN_WORK");
    expect(told(story)).toMatchObject({ kind: "FAILED", reason, permitId: "permit-1" });
    const passing = reason !== "NOT_APPROVED" && reason !== "UNSUITABLE";
    expect(story.machine.memory.staged !== undefined).toBe(passing);
    expect(story.machine.memory.denied).toEqual([]);
  });

  it.each(REASONS)(
    "stays where it is refused at the last look (%s): the work goes on, the leave is handed back",
    (reason) => {
      const story = departing().answer(goVerdict("AWAY"), refusal(reason));
      expect(story.phase).toBe("IDLE");
      expect(story.kinds()).not.toContain("STOP_WORK");
      expect(story.kinds()).not.toContain("RECORD");
      expect(story.kinds()).toContain("RESTORE_WORK");
      expect(told(story)).toMatchObject({ kind: "FAILED", reason, permitId: "permit-1" });
    },
  );

  it("calls a move off at once that has not left when a brake is heard; one that has left goes on", () => {
    for (const story of [draining(), departing()]) {
      story.tell({ kind: "FORBIDDEN", refusal: refusal("BRAKED") });
      expect(story.phase).toBe("IDLE");
      expect(story.kinds()).toContain("RESTORE_WORK");
      expect(told(story)).toMatchObject({ kind: "FAILED", reason: "BRAKED", permitId: "permit-1" });
    }
    const away = departing().answer(goVerdict("AWAY"));
    expect(away.tell({ kind: "FORBIDDEN", refusal: refusal("BRAKED") }).phase).toBe("SWAPPING");
    expect(onTrial(away).tell({ kind: "FORBIDDEN", refusal: refusal("BRAKED") }).phase).toBe("TRIAL");
    const pulling = asking().answer(PREPARE);
    expect(pulling.tell({ kind: "FORBIDDEN", refusal: refusal("BRAKED") }).phase).toBe("PULLING");
  });
});
