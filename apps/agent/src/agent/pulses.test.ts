import { describe, expect, it } from "vitest";
import { CallError, type Clock } from "../ports.ts";
import type { WorkSeen } from "../situation.ts";
import { silentLog } from "../testing/silent-log.ts";
import { until } from "../testing/until.ts";
import { SERVING } from "../update/testing/story.ts";
import { Pulses, pulseDue } from "./pulses.ts";

const seen = (view: object = {}, report: object = {}): WorkSeen => ({
  view: { ...SERVING, ...view },
  report: { capacityRps: 20, loadRps: 5, endpoint: "127.0.0.1:80", ...report },
});

describe("a pulse", () => {
  it("is due at first, after its interval, and at once on news", () => {
    const last = { seen: seen(), atMs: 0 };
    const due = (now: WorkSeen, atMs: number): boolean => pulseDue(last, { seen: now, atMs }, 1_000);
    expect(pulseDue(undefined, last, 1_000)).toBe(true);
    expect(due(seen(), 999)).toBe(false);
    expect(due(seen(), 1_000)).toBe(true);
    expect(due(seen({ state: "STOPPED" }), 1)).toBe(true);
    expect(due(seen({ shards: [] }), 1)).toBe(true);
    expect(due(seen({ locked: true }), 1)).toBe(true);
    expect(due(seen({}, { capacityRps: 10 }), 1)).toBe(true);
    expect(due(seen({}, { endpoint: "" }), 1)).toBe(true);
    expect(due(seen({}, { loadRps: 6 }), 500)).toBe(false);
    expect(due(seen({}, { loadRps: 8 }), 500)).toBe(true);
    expect(due(seen({}, { loadRps: 8 }), 100)).toBe(false);
    expect(due(seen({ inFlight: 9, startedTotal: 900n }), 500)).toBe(false);
  });
});

describe("pulses", () => {
  function make(send: () => Promise<void>): { pulses: Pulses; clock: { ms: number } } {
    const clock = { ms: 0 };
    const port: Clock = { nowMs: () => clock.ms, wait: async () => undefined };
    return { pulses: new Pulses({ clock: port, log: silentLog, roll: () => 0.1, intervalMs: 1_000, send }), clock };
  }

  it("are sent one at a time; what changed meanwhile is told by the next", async () => {
    const open: (() => void)[] = [];
    const { pulses, clock } = make(() => new Promise((resolve) => open.push(resolve)));
    clock.ms = 100;
    pulses.consider(seen());
    pulses.consider(seen({ state: "STOPPED" }));
    expect(open).toHaveLength(1);
    open[0]?.();
    await until("the second pulse", () => open.length === 2);
  });

  it("are spread at the start, and stay so through failures", async () => {
    let calls = 0;
    const { pulses, clock } = make(async () => {
      calls += 1;
      throw new CallError("UNREACHABLE", "", "gone");
    });
    pulses.consider(seen());
    expect(calls).toBe(0);
    clock.ms = 100;
    for (const waitMs of [1_000, 1_000, 1_000]) {
      const before = calls;
      pulses.consider(seen());
      await until("a try", () => calls === before + 1);
      await Promise.resolve();
      clock.ms += waitMs - 5;
      pulses.consider(seen());
      expect(calls).toBe(before + 1);
      clock.ms += 5;
    }
  });
});
