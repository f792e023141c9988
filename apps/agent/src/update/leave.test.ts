/** From asleep to the swap, with every way of staying. */
import { describe, expect, it } from "vitest";
import {
  DRAINED,
  OFFERED,
  PREPARE,
  RUNNING,
  SERVING,
  STAGED,
  STAY,
  Story,
  TUNABLES,
  departing,
  digest,
  draining,
  goVerdict,
} from "./testing/story.ts";
import type { Idle } from "./state.ts";

describe("asking", () => {
  it("asks once in the first window, with one id however often the call is repeated", () => {
    const story = new Story().work().pass(TUNABLES.firstAskWithinMs);
    const first = story.effect("ASK");
    expect(first).toMatchObject({ stagedDigest: "", permitId: "", drained: false });
  });

  it("keeps to its beat while nobody has answered yet, with a nudge as the way to be sooner", () => {
    const story = new Story().work().pass(TUNABLES.firstAskWithinMs);
    const { beatMs = Number.NaN } = story.machine.memory;
    for (let tries = 0; tries < 5; tries += 1) {
      story.tell({ kind: "ASK_FAILED", askId: story.askId, message: "gone" });
      expect(story.machine.phase).toMatchObject({ name: "IDLE" });
      const { wakeAtMs } = story.machine.phase as Idle;
      expect((wakeAtMs - beatMs) % TUNABLES.wakeIntervalMs).toBe(0);
      expect(wakeAtMs - story.nowMs).toBeGreaterThan(0);
      expect(wakeAtMs - story.nowMs).toBeLessThanOrEqual(TUNABLES.wakeIntervalMs);
      story.pass(wakeAtMs - story.nowMs);
      expect(story.phase).toBe("ASKING");
    }
    story.tell({ kind: "ASK_FAILED", askId: story.askId, message: "gone" }).tell({ kind: "NUDGED" });
    expect((story.machine.phase as Idle).wakeAtMs - story.nowMs).toBeLessThanOrEqual(TUNABLES.nudgeJitterMs);
    story.pass(TUNABLES.nudgeJitterMs).answer({ decision: "STAY", retryAfterMs: 1_000, message: "" }).pass(2_000);
    expect(story.phase).toBe("ASKING");
    story.tell({ kind: "ASK_FAILED", askId: story.askId, message: "gone" });
    const { wakeAtMs } = story.machine.phase as Idle;
    expect(wakeAtMs - story.nowMs).toBeGreaterThanOrEqual(TUNABLES.wakeIntervalMs);
    expect(wakeAtMs - story.nowMs).toBeLessThanOrEqual(1.2 * TUNABLES.wakeIntervalMs);
  });

  it("repeats an ask that may have been granted, with its id, before it falls back to its beat", () => {
    const story = new Story({ staged: STAGED }).work().pass(TUNABLES.firstAskWithinMs);
    const { askId } = story;
    for (let tries = 0; tries < 4; tries += 1) {
      story.tell({ kind: "ASK_FAILED", askId, message: "gone" }).pass(TUNABLES.reconnectMaxMs);
      expect(story.effect("ASK")?.askId).toBe(askId);
    }
    expect(story.tell({ kind: "ASK_FAILED", askId, message: "gone" }).phase).toBe("IDLE");
  });

  it("ignores the answer to another ask", () => {
    const story = new Story().work().pass(TUNABLES.firstAskWithinMs);
    story.tell({ kind: "VERDICT", askId: "another", verdict: PREPARE });
    expect(story.phase).toBe("ASKING");
  });

  it("honours retry_after, spread but no sooner, and never beyond a day", () => {
    for (const roll of [0, 0.999]) {
      const story = new Story().work().pass(TUNABLES.firstAskWithinMs);
      story.roll = roll;
      story.answer(STAY).pass(59_999);
      expect(story.phase).toBe("IDLE");
      expect(story.pass(12_001).kinds()).toContain("ASK");
      story.answer({ decision: "STAY", retryAfterMs: 4_000_000_000, message: "never" }).pass(86_400_000);
      expect(story.kinds()).toContain("ASK");
    }
  });

  it("asks at once after a nudge, also when the nudge came while an answer was under way", () => {
    const idle = new Story().work().tell({ kind: "NUDGED" }).pass(TUNABLES.nudgeJitterMs);
    expect(idle.kinds()).toContain("ASK");
    const asking = idle.tell({ kind: "NUDGED" }).answer(STAY).pass(TUNABLES.nudgeJitterMs);
    expect(asking.kinds()).toContain("ASK");
  });

  it("does not run in circles when told to ask again at once", () => {
    const story = new Story().work().pass(TUNABLES.firstAskWithinMs);
    story.answer({ decision: "STAY", retryAfterMs: 1, message: "now" }).pass(249);
    expect(story.kinds()).not.toContain("ASK");
  });
});

describe("preparing", () => {
  const asking = (): Story => new Story().work().pass(TUNABLES.firstAskWithinMs);

  it("pulls what is offered, then asks with what is staged", () => {
    const story = asking().answer(PREPARE);
    expect(story.effect("PULL")?.target).toEqual(OFFERED);
    story.tell({ kind: "PULLED", build: STAGED });
    expect(story.effect("ASK")?.stagedDigest).toBe(STAGED.digest);
  });

  it("says once why it could not, and then waits longer each time", () => {
    const story = asking();
    const waits: number[] = [];
    for (let count = 0; count < 3; count += 1) {
      story.answer(PREPARE);
      expect(story.phase).toBe("PULLING");
      const failure = { reason: "PULL", message: "no source", stagedLost: false } as const;
      story.tell({ kind: "PULL_FAILED", digest: OFFERED.digest, ...failure });
      expect(story.effect("TELL_OUTCOME")?.outcome).toMatchObject({ kind: "FAILED", reason: "PULL", permitId: "" });
      story.tell({ kind: "OUTCOME_TOLD" });
      const beganMs = story.nowMs;
      story.pass(TUNABLES.failureBackoffMaxMs);
      const asked = story.machine.phase;
      expect(asked.name).toBe("ASKING");
      waits.push((story.machine.memory.setback?.notBeforeMs ?? 0) - beganMs);
    }
    expect(waits[1]).toBeGreaterThan((waits[0] ?? 0) * 1.5);
    expect(waits[2]).toBeGreaterThan((waits[1] ?? 0) * 1.5);
  });

  it("does not pull a build again before its time, nudged or not, when it was found bad", () => {
    const story = asking().answer(PREPARE);
    const failure = { reason: "NOT_APPROVED", message: "too few", stagedLost: false } as const;
    story.tell({ kind: "PULL_FAILED", digest: OFFERED.digest, ...failure }).tell({ kind: "OUTCOME_TOLD" });
    story.tell({ kind: "NUDGED" }).pass(TUNABLES.nudgeJitterMs).answer(PREPARE);
    expect(story.phase).toBe("IDLE");
    expect(story.kinds()).toEqual(["NOTE"]);
  });

  it("never pulls what it denied, what runs, or what is staged", () => {
    for (const [from, target] of [
      [{ durable: { denied: [OFFERED.digest] } }, OFFERED],
      [{}, { ...OFFERED, digest: RUNNING.digest }],
      [{ staged: STAGED }, OFFERED],
    ] as const) {
      const story = new Story(from).work().pass(TUNABLES.firstAskWithinMs);
      story.answer({ decision: "PREPARE", target, message: "pull" });
      expect(story.phase).toBe("IDLE");
      expect(story.kinds()).not.toContain("PULL");
    }
  });
});

describe("leaving", () => {
  it("writes down what was running before it asks the workload to drain", () => {
    const story = draining();
    expect(story.phase).toBe("DRAINING");
    expect(story.kinds()).toEqual(["SAVE", "DRAIN_WORK", "PULSE"]);
    expect(story.stored().move).toMatchObject({ permitId: "permit-1", before: { shards: ["s1", "s2"] } });
  });

  it("goes by the permit's grace, shortened where the permit ends sooner", () => {
    expect(draining().effect("DRAIN_WORK")?.deadlineMs).toBe(20_000);
    const story = new Story({ staged: STAGED }).work().pass(900_000);
    const permit = { permitId: "p", phase: "DRAINING", expiresInMs: 10_000, drainGraceMs: 20_000 } as const;
    story.answer({ decision: "GO", target: OFFERED, permit, message: "" });
    expect(story.effect("DRAIN_WORK")?.deadlineMs).toBe(9_000);
  });

  it("waits for quiet: nothing in flight, and nothing begun for a while", () => {
    const story = draining()
      .work({ ...DRAINED, inFlight: 2 })
      .pass(1_000)
      .work(DRAINED);
    story.pass(400).work({ ...DRAINED, startedTotal: 101n });
    story.pass(400).work({ ...DRAINED, startedTotal: 101n });
    expect(story.phase).toBe("DRAINING");
    story.pass(100).work({ ...DRAINED, startedTotal: 101n });
    expect(story.phase).toBe("DEPARTING");
    expect(story.effect("ASK")).toMatchObject({ drained: true, permitId: "permit-1", stagedDigest: STAGED.digest });
  });

  it("does not count a look from before the workload was told", () => {
    const story = draining()
      .work({ ...SERVING, told: false })
      .pass(600)
      .work({ ...SERVING, told: false });
    expect(story.phase).toBe("DRAINING");
  });

  it("stays when the workload keeps its lock or its work until the deadline", () => {
    for (const busy of [{ locked: true }, { inFlight: 1 }]) {
      const story = draining()
        .work({ ...DRAINED, ...busy })
        .pass(20_000);
      expect(story.phase).toBe("IDLE");
      expect(story.kinds()).toEqual(expect.arrayContaining(["START_WORK", "RESTORE_WORK", "SAVE"]));
      expect(story.kinds()).not.toContain("STOP_WORK");
      story.work();
      expect(story.effect("TELL_OUTCOME")?.outcome).toMatchObject({ kind: "FAILED", reason: "DRAIN_TIMEOUT" });
    }
  });

  it("is not held up by a workload that does not run", () => {
    const down = { ...SERVING, state: "STOPPED", answering: false, told: false } as const;
    const story = draining().work(down).pass(500).work(down);
    expect(story.phase).toBe("DEPARTING");
  });

  it("is held up by a workload that hangs: what it has in flight is not known", () => {
    const hung = { ...SERVING, state: "FAILED", answering: false } as const;
    expect(draining().work(hung).pass(5_000).work(hung).phase).toBe("DRAINING");
  });

  it("stops the workload on GO with phase AWAY only", () => {
    const story = departing();
    story.answer(goVerdict("DRAINING"));
    expect(story.kinds()).not.toContain("STOP_WORK");
    story.pass(1_000).answer(goVerdict("AWAY"));
    expect(story.kinds()).toEqual(["SAVE", "STOP_WORK", "RECORD", "START_NEXT_WORK", "HAND_OVER"]);
    expect(story.record).toMatchObject({ committed: { slot: "a" }, trial: { slot: "b", triesLeft: 3 } });
  });

  it("stays when it is refused at the re-check: the work is restored, and told with a pulse", () => {
    for (const verdict of [STAY, PREPARE]) {
      const story = departing().answer(verdict);
      expect(story.phase).toBe("IDLE");
      expect(story.kinds()).toEqual(["START_WORK", "RESTORE_WORK", "SAVE", "PULSE"]);
      expect(story.effect("RESTORE_WORK")?.shards).toEqual(["s1", "s2"]);
      expect(story.stored().move).toBeUndefined();
    }
  });

  it("drains once more when work arrives after all, and the answer under way is void", () => {
    const story = departing();
    const { askId } = story;
    story.work({ ...DRAINED, inFlight: 1, startedTotal: 101n });
    expect(story.phase).toBe("DRAINING");
    story.tell({ kind: "VERDICT", askId, verdict: goVerdict("AWAY") });
    expect(story.kinds()).not.toContain("STOP_WORK");
  });

  it("repeats an unanswered re-ask with its id at least every second, and gives up at the deadline", () => {
    const story = departing();
    const { askId } = story;
    story.tell({ kind: "ASK_FAILED", askId, message: "gone" }).pass(1_000);
    expect(story.effect("ASK")).toMatchObject({ askId, drained: true });
    story.pass(20_000).work();
    expect(story.phase).toBe("IDLE");
    expect(story.stored().outcome).toMatchObject({ kind: "FAILED", reason: "PERMIT_EXPIRED" });
  });

  it("does not act on leave for another build or under another permit", () => {
    const other = { ...OFFERED, digest: digest("c") };
    const story = departing().answer(goVerdict("AWAY", other));
    expect(story.kinds()).not.toContain("STOP_WORK");
    expect(story.stored().outcome).toMatchObject({ kind: "FAILED", reason: "UNSUITABLE", permitId: "permit-1" });
    const unasked = new Story().work().pass(900_000).answer(goVerdict("AWAY"));
    expect(unasked.phase).toBe("IDLE");
    expect(unasked.kinds()).not.toContain("STOP_WORK");
    expect(unasked.effect("TELL_OUTCOME")?.outcome.permitId).toBe("permit-1");
  });

  it("leaves the workload alone where it is the same in the new build", () => {
    const staged = { ...STAGED, workIdentity: RUNNING.workIdentity };
    const story = new Story({ staged }).work({ inFlight: 7 }).pass(900_000).answer(goVerdict("DRAINING"));
    expect(story.kinds()).toEqual(["SAVE", "ASK"]);
    expect(story.effect("ASK")?.drained).toBe(true);
    story.work({ inFlight: 9, startedTotal: 200n }).answer(goVerdict("AWAY"));
    expect(story.kinds()).toEqual(["SAVE", "RECORD", "HAND_OVER"]);
  });

  it("stays on a disk that cannot be written, before and after the workload was stopped", () => {
    const failure = { kind: "DISK_FAILED", effect: "SAVE", message: "full" } as const;
    const early = draining().tell(failure);
    expect(early.phase).toBe("IDLE");
    const late = departing()
      .answer(goVerdict("AWAY"))
      .tell({ ...failure, effect: "RECORD" });
    expect(late.phase).toBe("IDLE");
    expect(late.kinds()).toEqual(["START_WORK", "RESTORE_WORK", "SAVE", "PULSE"]);
    late.work();
    expect(late.effect("TELL_OUTCOME")?.outcome).toMatchObject({ kind: "FAILED", reason: "DISK" });
  });

  it("stays where the workload cannot be stopped, and takes up its work again", () => {
    const story = departing().answer(goVerdict("AWAY")).tell({ kind: "WORK_FAILED", message: "it does not stop" });
    expect(story.phase).toBe("IDLE");
    expect(story.kinds()).toEqual(["START_WORK", "RESTORE_WORK", "SAVE", "PULSE"]);
  });

  it("waits for a workload that is silent for a moment, and leaves without one that hangs", () => {
    const silent = { state: "FAILED", answering: false } as const;
    const story = draining().work(silent).pass(TUNABLES.quietMs).work(silent);
    expect(story.phase).toBe("DRAINING");
    story
      .work({ ...silent, deaf: true })
      .pass(TUNABLES.quietMs)
      .work({ ...silent, deaf: true });
    expect(story.phase).toBe("DEPARTING");
  });
});
