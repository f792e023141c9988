import { describe, expect, it } from "vitest";
import { OFFERED, PREPARE, Story } from "./testing/story.ts";

/** A device whose pull failed just now, with the outcome to be told. */
function afterFailedPull(): Story {
  const story = new Story();
  story.pass(900_000).answer(PREPARE);
  const { digest } = OFFERED;
  return story.tell({ kind: "PULL_FAILED", digest, reason: "DISK_FULL", message: "full", stagedLost: false });
}

const FAILED_SAVE = { kind: "DISK_FAILED", effect: "SAVE", message: "no space" } as const;

describe("telling an outcome", () => {
  it("takes place although the write before it failed, which dropped it", () => {
    const story = afterFailedPull();
    expect(story.effects.map(({ kind }) => kind)).toEqual(["SAVE", "NOTE", "TELL_OUTCOME"]);
    story.tell(FAILED_SAVE);
    expect(story.effects).toMatchObject([{ kind: "TELL_OUTCOME", outcome: { reason: "DISK_FULL" } }]);
    story.tell({ kind: "OUTCOME_TOLD" }).tell(FAILED_SAVE);
    expect(story.machine.memory.telling).toBeUndefined();
    expect(story.pass(1_350_000).effects.map(({ kind }) => kind)).toContain("ASK");
  });

  it("keeps a device from asking for no longer than that: a build that waits holds no other up", () => {
    const story = afterFailedPull().tell({ kind: "OUTCOME_TOLD" });
    for (let failures = 2; failures < 9; failures += 1) {
      const askedAtMs = story.nowMs;
      while (story.phase !== "ASKING") story.pass(1_000);
      // Half to one and a half wake intervals, however long the build that failed has to wait.
      expect(story.nowMs - askedAtMs).toBeLessThanOrEqual(1_351_000);
      story.answer(PREPARE);
      if (!story.kinds().includes("PULL")) continue;
      const { digest } = OFFERED;
      story.tell({ kind: "PULL_FAILED", digest, reason: "PULL", message: "404", stagedLost: false });
      story.tell({ kind: "OUTCOME_TOLD" });
    }
    expect(story.machine.memory.setback?.count).toBeGreaterThan(3);
  });
});
