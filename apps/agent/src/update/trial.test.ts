/** From the new agent's start to a commit or a revert, and what is told of it. */
import { describe, expect, it } from "vitest";
import { SERVING, STAGED, Story, TUNABLES, departing, goVerdict, onTrial } from "./testing/story.ts";

const swapped = (): Story => departing().answer(goVerdict("AWAY"));
const FAILED = { state: "FAILED", message: "no database" } as const;
const STARTING = { state: "STARTING", answering: false } as const;

describe("a trial", () => {
  it("commits once the work serves, soaked, restored, and the rejoin is confirmed", () => {
    const story = onTrial(swapped());
    expect(story.kinds()).toEqual(["START_WORK", "RESTORE_WORK"]);
    expect(story.effect("RESTORE_WORK")?.shards).toEqual(["s1", "s2"]);
    story.work(STARTING).pass(300).work().pass(999);
    expect(story.phase).toBe("TRIAL");
    story.pass(1);
    expect(story.effect("TELL_RETURNED")?.permitId).toBe("permit-1");
    story.tell({ kind: "PROGRESS_TOLD", state: "AWAY" });
    expect(story.phase).toBe("RETURNING");
    story.pass(2_000).tell({ kind: "PROGRESS_TOLD", state: "SERVING" });
    expect(story.record).toEqual({
      committed: { slot: "b", digest: STAGED.digest },
      previous: { slot: "a", digest: "a".repeat(64) },
    });
    story.tell({ kind: "RECORDED" });
    expect(story.phase).toBe("IDLE");
    const outcome = story.effect("TELL_OUTCOME")?.outcome;
    expect(outcome).toMatchObject({ kind: "COMMITTED", permitId: "permit-1", targetDigest: STAGED.digest });
    expect(outcome?.timings).toMatchObject({ pullMs: 123, drainMs: 500, swapMs: 200, trialMs: 3_300 });
    expect(story.stored()).toMatchObject({ denied: [], outcome: { kind: "COMMITTED" } });
    expect(story.stored().move).toBeUndefined();
  });

  it("takes RETURNED for a confirmation too", () => {
    const story = onTrial(swapped()).work().pass(1_000).tell({ kind: "PROGRESS_TOLD", state: "RETURNED" });
    expect(story.phase).toBe("COMMITTING");
  });

  it("begins the soak anew when the work falters", () => {
    const story = onTrial(swapped()).work().pass(900).work(STARTING).pass(50).work().pass(999);
    expect(story.phase).toBe("TRIAL");
    expect(story.pass(1).phase).toBe("RETURNING");
  });

  const reverts: readonly [string, string, (story: Story) => Story][] = [
    ["says that it failed", "HEALTH_CHECK", (story) => story.work(FAILED)],
    ["says that it failed after the soak", "HEALTH_CHECK", (story) => story.work().pass(1_000).work(FAILED)],
    ["never serves", "HEALTH_CHECK", (story) => story.work(STARTING).pass(10_000)],
    ["cannot even be started", "DISK", (story) => story.tell({ kind: "WORK_FAILED", message: "full" })],
    ["ends again and again", "HEALTH_CHECK", (story) => story.work({ ...STARTING, exits: 3 })],
    ["forgets a shard", "WORKLOAD_NOT_RESTORED", (story) => story.work({ shards: ["s1"] }).pass(10_000)],
    ["is not confirmed", "REJOIN_NOT_CONFIRMED", (story) => story.work().pass(TUNABLES.trialTimeoutMs)],
    [
      "cannot be written down",
      "DISK",
      (story) =>
        story
          .work()
          .pass(1_000)
          .tell({ kind: "PROGRESS_TOLD", state: "SERVING" })
          .tell({ kind: "DISK_FAILED", effect: "RECORD", message: "full" }),
    ],
  ];

  it.each(reverts)("that %s is reverted (%s): denied first, then the record, then the old agent", (_, reason, tell) => {
    const story = tell(onTrial(swapped()));
    expect(story.phase).toBe("REVERTING");
    const order = story.kinds().filter((kind) => kind !== "NOTE");
    expect(order.slice(-4)).toEqual(["SAVE", "RECORD", "STOP_WORK", "HAND_OVER"]);
    expect(story.stored().denied).toEqual([STAGED.digest]);
    expect(story.record.trial).toBeUndefined();
    expect(story.record).toMatchObject({ committed: { slot: "a" }, abandoned: { reason, deny: true } });

    const old = new Story({ durable: story.stored(), record: story.record }, story.nowMs);
    expect(old.kinds()).toEqual(["START_WORK", "RESTORE_WORK", "SAVE", "RECORD"]);
    expect(old.record.abandoned).toBeUndefined();
    old.work(STARTING);
    expect(old.kinds()).not.toContain("TELL_OUTCOME");
    old.work();
    expect(old.effect("TELL_OUTCOME")?.outcome).toMatchObject({
      kind: "REVERTED",
      reason,
      permitId: "permit-1",
      targetDigest: STAGED.digest,
    });
  });

  it("that goes wrong leaves the workload alone where the builds share it", () => {
    const staged = { ...STAGED, workIdentity: "work one" };
    const old = new Story({ staged }).work().pass(900_000).answer(goVerdict("DRAINING")).answer(goVerdict("AWAY"));
    const story = onTrial(old, { workIdentity: "work one" }).work().pass(TUNABLES.trialTimeoutMs);
    expect(story.phase).toBe("REVERTING");
    expect(story.kinds()).not.toContain("STOP_WORK");
  });

  it("is longer, but can end well, where the coordinator was gone before the swap too", () => {
    const old = departing();
    old.answer(goVerdict("AWAY"));
    const durable = old.stored();
    const move = durable.move && { ...durable.move, reachable: false };
    const unreachable = { ...durable, ...(move && { move }) };
    const running = { ...STAGED, healthTimeoutMs: 10_000, soakMs: 1_000 };
    const story = new Story({ running, trial: true, durable: unreachable, record: old.record }, old.nowMs).work();
    story.pass(TUNABLES.unreachableSoakMs - 1);
    expect(story.phase).toBe("RETURNING");
    story.pass(1);
    expect(story.phase).toBe("COMMITTING");
  });

  it("takes a commit back that was written although the disk said no, and one that was not", () => {
    const committing = (): Story =>
      onTrial(swapped()).work().pass(1_000).tell({ kind: "PROGRESS_TOLD", state: "SERVING" });
    const failure = { kind: "DISK_FAILED", effect: "RECORD", message: "no" } as const;
    const written = committing();
    const unwritten = committing();
    unwritten.record = unwritten.recordBefore;
    for (const story of [written, unwritten]) {
      story.tell(failure);
      expect(story.record).toMatchObject({ committed: { slot: "a" }, abandoned: { digest: STAGED.digest } });
      expect(story.record.trial).toBeUndefined();
    }
  });

  it("reverts on a full disk too: the record carries the denial", () => {
    const story = onTrial(swapped()).work(FAILED);
    story.tell({ kind: "DISK_FAILED", effect: "SAVE", message: "full" });
    expect(story.kinds()).toEqual(["RECORD", "STOP_WORK", "HAND_OVER"]);
    story.tell({ kind: "DISK_FAILED", effect: "RECORD", message: "full" });
    expect(story.kinds()).toEqual(["STOP_WORK", "HAND_OVER"]);
  });
});

describe("restarts", () => {
  it("goes on with a revert that was interrupted before the record was written", () => {
    const story = onTrial(swapped()).work(FAILED);
    const again = onTrial(Object.assign(story, { record: swapped().record }));
    expect(again.phase).toBe("REVERTING");
    expect(again.record).toMatchObject({ abandoned: { reason: "HEALTH_CHECK" } });
  });

  it("does not deny what was committed after all", () => {
    const trial = onTrial(swapped()).work(FAILED);
    const { running } = trial.machine.memory;
    const committed = { committed: { slot: running.slot, digest: running.digest } };
    const again = new Story({ running, durable: trial.stored(), record: committed }, trial.nowMs);
    expect(again.machine.memory.denied).toEqual([]);
  });

  it("tells a commit whose outcome was not written down any more", () => {
    const trial = onTrial(swapped()).work().pass(1_000).tell({ kind: "PROGRESS_TOLD", state: "SERVING" });
    const running = trial.machine.memory.running;
    const again = new Story({ running, durable: trial.stored(), record: trial.record }, trial.nowMs).work();
    expect(again.effect("TELL_OUTCOME")?.outcome).toMatchObject({ kind: "COMMITTED", permitId: "permit-1" });
  });

  it("reverts a trial of which nobody knows any more what ran before", () => {
    const story = new Story({ trial: true, record: swapped().record });
    expect(story.phase).toBe("REVERTING");
  });

  it("starts the work first when it was interrupted before the swap, and asks about its permit", () => {
    for (const old of [departing(), swapped()]) {
      const record = { committed: { slot: "a", digest: "a".repeat(64) } } as const;
      const story = new Story({ staged: STAGED, durable: old.stored(), record }, old.nowMs);
      expect(story.kinds().slice(0, 2)).toEqual(["START_WORK", "RESTORE_WORK"]);
      story.work().pass(0);
      expect(story.machine.phase).toMatchObject({ name: "ASKING", permitId: "permit-1" });
      const leaves = new Story({ staged: STAGED, durable: old.stored(), record }, old.nowMs).work().pass(0);
      leaves.answer(goVerdict("AWAY"));
      expect(leaves.phase).toBe("DRAINING");
      story.answer({ decision: "STAY", retryAfterMs: 1_000, message: "expired" });
      expect(story.stored().move).toBeUndefined();
    }
  });

  it("reports what the launcher gave up, and denies it", () => {
    const old = swapped();
    const abandoned = { digest: STAGED.digest, reason: "AGENT_DID_NOT_START", message: "code 1", deny: true };
    const record = { committed: old.record.committed, abandoned };
    const story = new Story({ durable: old.stored(), record }, old.nowMs).work();
    expect(story.stored().denied).toEqual([STAGED.digest]);
    expect(story.effect("TELL_OUTCOME")?.outcome).toMatchObject({
      kind: "REVERTED",
      reason: "AGENT_DID_NOT_START",
      permitId: "permit-1",
      message: "code 1",
    });
  });

  it("does not deny a build whose slot was damaged", () => {
    const abandoned = { digest: STAGED.digest, reason: "DISK", message: "damaged", deny: false };
    const story = new Story({ record: { committed: { slot: "a", digest: "a".repeat(64) }, abandoned } });
    expect(story.machine.memory.denied).toEqual([]);
    expect(story.record.abandoned).toBeUndefined();
  });

  it("keeps telling an outcome over restarts until it is acknowledged", () => {
    let story = onTrial(swapped()).work().pass(1_000).tell({ kind: "PROGRESS_TOLD", state: "SERVING" });
    story.tell({ kind: "RECORDED" });
    const running = story.machine.memory.running;
    for (let restarts = 0; restarts < 3; restarts += 1) {
      story.tell({ kind: "OUTCOME_FAILED", permanent: false, message: "gone" }).pass(TUNABLES.reconnectMaxMs);
      expect(story.kinds()).toContain("TELL_OUTCOME");
      story = new Story({ running, durable: story.stored(), record: story.record }, story.nowMs).work();
      expect(story.effect("TELL_OUTCOME")?.outcome.kind).toBe("COMMITTED");
    }
    story.tell({ kind: "OUTCOME_TOLD" });
    expect(story.stored().outcome).toBeUndefined();
  });

  it("does not ask before the last outcome was taken in, nor wait for ever for one that never will be", () => {
    const old = swapped();
    const abandoned = { digest: STAGED.digest, reason: "TRIAL_TIMEOUT", message: "", deny: true };
    const record = { committed: old.record.committed, abandoned };
    const story = new Story({ durable: old.stored(), record }, old.nowMs).work().pass(10_000_000);
    expect(story.kinds()).not.toContain("ASK");
    story.tell({ kind: "OUTCOME_FAILED", permanent: true, message: "malformed" }).pass(10_000_000);
    expect(story.kinds()).toContain("ASK");
  });

  it("tells an outcome without the workload when that does not come back", () => {
    const durable = {
      denied: [],
      outcome: {
        permitId: "p",
        targetDigest: STAGED.digest,
        kind: "FAILED",
        reason: "PULL",
        message: "",
        timings: { pullMs: 0, drainMs: 0, swapMs: 0, trialMs: 0 },
      },
    } as const;
    const story = new Story({ durable }).work({ ...SERVING, ...STARTING });
    expect(story.kinds()).toEqual([]);
    expect(story.pass(5_000).kinds()).toContain("TELL_OUTCOME");
  });
});
