/**
 * A fleet in simulated time: each device is the agent's own update machine, and its stream's own waits, with a coordinator
 * that answers or does not. Devices share nothing, so each is played from its start to its end before the next.
 */
import { firstStreamWait, nextStreamWait } from "../../apps/agent/src/adapters/coordinator/stream-waits.ts";
import type { At, Tunables } from "../../apps/agent/src/update/at.ts";
import { begin } from "../../apps/agent/src/update/begin.ts";
import { NOTHING_DURABLE } from "../../apps/agent/src/update/durable.ts";
import type { Effect } from "../../apps/agent/src/update/events.ts";
import { deadlineOf, step } from "../../apps/agent/src/update/step.ts";

/** The agent's defaults, in milliseconds; the same as in its configuration's schema. */
export const TUNABLES: Tunables = {
  wakeIntervalMs: 900_000,
  firstAskWithinMs: 900_000,
  nudgeJitterMs: 2_000,
  quietMs: 500,
  trialTimeoutMs: 180_000,
  unreachableSoakMs: 600_000,
  trialTries: 3,
  reconnectMinMs: 500,
  reconnectMaxMs: 30_000,
  failureBackoffMs: 60_000,
  failureBackoffMaxMs: 21_600_000,
};

/** The waits of streams by default. */
export const STREAMS = { pulseIntervalMs: 60_000, reconnectMaxMs: 30_000 } as const;

/** What a coordinator says to a device that is up to date: ask again in a wake interval. Its default. */
const RETRY_AFTER_MS = 900_000;

/** A time without a coordinator, in milliseconds after the devices' start. */
export interface Outage {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Uniform in [0, 1). */
export type Roll = () => number;

/** When one device, started at 0, is answered, up to `untilMs`. */
export function answeredAsks(outage: Outage, untilMs: number, roll: Roll): readonly number[] {
  const answered: number[] = [];
  let ids = 0;
  const at = (nowMs: number): At => ({ nowMs, roll: roll(), freshId: `id-${(ids += 1)}`, tunables: TUNABLES });
  let { machine, effects } = begin(
    {
      running: RUNNING,
      bootId: "boot-1",
      trial: false,
      durable: NOTHING_DURABLE,
      record: undefined,
      staged: undefined,
    },
    at(0),
  );
  let nowMs = 0;
  for (;;) {
    const ask = effects.find((effect): effect is Effect & { kind: "ASK" } => effect.kind === "ASK");
    if (ask !== undefined) {
      const { askId } = ask;
      const silent = nowMs >= outage.fromMs && nowMs < outage.toMs;
      if (!silent) answered.push(nowMs);
      const verdict = { decision: "STAY", retryAfterMs: RETRY_AFTER_MS, message: "" } as const;
      const event = silent
        ? ({ kind: "ASK_FAILED", askId, message: "" } as const)
        : ({ kind: "VERDICT", askId, verdict } as const);
      ({ machine, effects } = step(machine, event, at(nowMs)));
      continue;
    }
    const deadlineMs = deadlineOf(machine);
    if (deadlineMs === undefined) throw new Error("a device that never wakes again");
    nowMs = Math.max(nowMs, deadlineMs);
    if (nowMs >= untilMs) return answered;
    ({ machine, effects } = step(machine, { kind: "TICK" }, at(nowMs)));
  }
}

/** When a device whose stream broke at 0 has it again, where the coordinator returns at `returnMs`. */
export function streamBack(returnMs: number, wishedMs: number | undefined, roll: Roll): number {
  let nowMs = nextStreamWait(STREAMS, 0, wishedMs, roll());
  for (let failures = 1; nowMs < returnMs; failures += 1) nowMs += nextStreamWait(STREAMS, failures, undefined, roll());
  return nowMs;
}

/** When a device that started at 0 first opens its stream. */
export function streamFirst(roll: Roll): number {
  return firstStreamWait(STREAMS, roll());
}

const RUNNING = {
  slot: "factory",
  digest: "a".repeat(64),
  version: "1.0.0",
  releaseCounter: 1,
  workIdentity: "none",
  healthTimeoutMs: 1,
  soakMs: 0,
} as const;
