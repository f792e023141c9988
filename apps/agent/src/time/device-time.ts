/**
 * The device's time floor over the monotonic clock. Holds the state of `packages/trust`'s time floor and says when it is
 * worth keeping; the wall clock is not among what it knows.
 */
import {
  type Moment,
  SLOW_RULES_DEFAULT,
  type TimeEvent,
  type TimeFloor,
  type TimeRules,
  beginTime,
  stepTime,
  timeAt,
} from "@moult/trust";
import type { TimeToKeep } from "../adapters/state-file.ts";
import type { Clock } from "../ports.ts";

/** T may be this much ahead of what is kept, in milliseconds: an hour lost at a power cut matters to no certificate. */
const KEEP_EVERY_MS = 3_600_000;

/** What it begins with. */
export interface DeviceTimeParts {
  readonly clock: Pick<Clock, "nowMs">;
  readonly bootId: string;
  readonly rules: TimeRules;
  /** From the last run; undefined on a new device. */
  readonly kept: TimeFloor | undefined;
  /** The slow T of the last run; begins at `kept` where there is none. */
  readonly keptSlow?: TimeFloor | undefined;
  /** When the device was flashed, in milliseconds since 1970. */
  readonly buildTimeMs: number;
}

/**
 * How late it is at least, twice over: T, by which certificates and metadata end, and the slow T, by which cohorts widen and
 * brakes end. They differ in how far one signed time moves them: the publisher's one online key must not open a cohort or
 * end a brake at a stroke, and a device must not need months to believe a certificate.
 */
export class DeviceTime {
  readonly #parts: DeviceTimeParts;
  #state: TimeFloor;
  #slow: TimeFloor;
  /** T as the disk has it; undefined where it has none. */
  #keptMs: number | undefined;
  #moved = false;
  /** How far signed time may move T. */
  #rules: TimeRules;

  constructor(parts: DeviceTimeParts) {
    this.#parts = parts;
    this.#rules = parts.rules;
    this.#state = beginTime(parts.kept, parts.buildTimeMs, this.#now(), parts.rules);
    const { keptSlow = parts.kept } = parts;
    this.#slow = beginTime(keptSlow, parts.buildTimeMs, this.#now(), { ...parts.rules, ...SLOW_RULES_DEFAULT });
    this.#keptMs = parts.kept?.floorMs;
  }

  /** T: milliseconds since 1970. */
  nowMs(): number {
    return timeAt(this.#state, this.#now());
  }

  /** The slow T: milliseconds since 1970. Never later than T. */
  slowMs(): number {
    return Math.min(timeAt(this.#slow, this.#now()), this.nowMs());
  }

  /** Takes in what a signature vouches for. The caller has verified it. */
  take(event: TimeEvent): void {
    const now = this.#now();
    const [before, slowBefore] = [timeAt(this.#state, now), timeAt(this.#slow, now)];
    this.#state = stepTime(this.#state, event, now, this.#rules);
    this.#slow = stepTime(this.#slow, event, now, { ...this.#rules, ...SLOW_RULES_DEFAULT });
    this.#moved ||= timeAt(this.#state, now) !== before || timeAt(this.#slow, now) !== slowBefore;
  }

  /** No signed time moves T past this from now on: when the root that is trusted expires, milliseconds since 1970. */
  setBound(boundMs: number): void {
    this.#rules = { ...this.#rules, boundMs };
  }

  /** What is to lie on the disk, and whether it is worth a write of its own. */
  toKeep(): TimeToKeep {
    const now = this.#now();
    const floorMs = timeAt(this.#state, now);
    const floor = { ...this.#state, floorMs, atMs: now.monotonicMs, bootId: now.bootId };
    const slow = { ...this.#slow, floorMs: timeAt(this.#slow, now), atMs: now.monotonicMs, bootId: now.bootId };
    const due = this.#keptMs === undefined || this.#moved || floorMs - this.#keptMs >= KEEP_EVERY_MS;
    const kept = (): void => {
      this.#keptMs = floorMs;
      this.#moved = false;
    };
    return { floor, slow, due, kept };
  }

  #now(): Moment {
    return { bootId: this.#parts.bootId, monotonicMs: this.#parts.clock.nowMs() };
  }
}
