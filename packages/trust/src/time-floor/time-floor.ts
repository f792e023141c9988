/**
 * The time floor: a device without a clock of its own knows that it is at least this late. Certificates and metadata are
 * judged by it, never by the wall clock. T = max(build time, kept T, signed time) + what has passed on the monotonic
 * clock since. Pure: clock and disk are handed in; nothing unsigned may move it, and what is signed moves it by steps.
 *
 * Bounds against one far-future signature: a step is at most `stepMaxMs`, the next comes no sooner than `stepGapMs` of
 * lived time later, and none goes past `boundMs`, the expiry of the trusted root. The way back is a reset that the root
 * signed.
 */

/** A moment of one boot. */
export interface Moment {
  /** Which boot of the host; times of the monotonic clock mean nothing in another. */
  readonly bootId: string;
  /** CLOCK_MONOTONIC, in milliseconds. */
  readonly monotonicMs: number;
}

/** What is known of the time, and kept. All times but `atMs` are milliseconds since 1970. */
export interface TimeFloor {
  /** T when this was taken. */
  readonly floorMs: number;
  /** When it was taken, on the monotonic clock of `bootId`. */
  readonly atMs: number;
  readonly bootId: string;
  /** T after the last step that a signature allowed; undefined before the first. */
  readonly steppedToMs?: number;
  /** Counter of the last reset that was taken; 0 before the first. A reset with another that is not above it is void. */
  readonly resetCounter: number;
}

/** How far signed time may move the floor. */
export interface TimeRules {
  /** No signed time moves T past this: when the trusted root expires. */
  readonly boundMs: number;
  /** At most this at once. */
  readonly stepMaxMs: number;
  /** Between two steps at least this must have been lived through. */
  readonly stepGapMs: number;
}

/** What can move the floor. The caller has verified the signature of each. */
export type TimeEvent =
  /** A time stands in something a quorum of publishers signed. */
  | { readonly kind: "SIGNED"; readonly timeMs: number }
  /** The root says what T is to be; the one way back. */
  | { readonly kind: "ROOT_RESET"; readonly counter: number; readonly timeMs: number };

/** A month a day: a box that lay on a shelf for two years has caught up within a month of being switched on. */
export const TIME_RULES_DEFAULT: Omit<TimeRules, "boundMs"> = { stepMaxMs: 30 * 86_400_000, stepGapMs: 86_400_000 };

/**
 * A day, no sooner than six hours of lived time after the last: for what one online key must not hasten, the steps of a
 * cohort and the ends of brakes. Four times a day is how often a publisher signs, so a box that was off for a week has caught
 * up within two days.
 */
export const SLOW_RULES_DEFAULT: Omit<TimeRules, "boundMs"> = { stepMaxMs: 86_400_000, stepGapMs: 21_600_000 };

/** 9999-12-31: later than any certificate says, and within what a Date holds. */
export const TIME_MAX_MS = 253_402_300_799_000;

/** The floor at a start: what was kept, or the build time where that is later. The bound holds for the build time too. */
export function beginTime(kept: TimeFloor | undefined, buildTimeMs: number, now: Moment, rules: TimeRules): TimeFloor {
  const built = Math.min(clean(buildTimeMs), rules.boundMs);
  if (kept === undefined) {
    return { floorMs: built, atMs: now.monotonicMs, bootId: now.bootId, resetCounter: 0 };
  }
  // A root that set the time back meant it, whatever was built before.
  const floorMs = kept.resetCounter > 0 ? timeAt(kept, now) : Math.max(timeAt(kept, now), built);
  return { ...kept, floorMs, atMs: now.monotonicMs, bootId: now.bootId };
}

/** T now. It never runs backwards within a boot, and stands still over one whose length nobody knows. */
export function timeAt(state: TimeFloor, now: Moment): number {
  if (state.bootId !== now.bootId) return state.floorMs;
  return state.floorMs + Math.max(0, now.monotonicMs - state.atMs);
}

/** The floor after `event`, taken at `now`. */
export function stepTime(state: TimeFloor, event: TimeEvent, now: Moment, rules: TimeRules): TimeFloor {
  const present: TimeFloor = { ...state, floorMs: timeAt(state, now), atMs: now.monotonicMs, bootId: now.bootId };
  switch (event.kind) {
    case "SIGNED":
      return takeSigned(present, clean(event.timeMs), rules);
    case "ROOT_RESET": {
      if (!Number.isSafeInteger(event.counter) || event.counter <= present.resetCounter) return present;
      const { steppedToMs: _, ...rest } = present;
      return { ...rest, floorMs: clean(event.timeMs), resetCounter: event.counter };
    }
  }
}

function takeSigned(present: TimeFloor, signedMs: number, rules: TimeRules): TimeFloor {
  const { floorMs, steppedToMs } = present;
  const aimMs = Math.min(signedMs, rules.boundMs);
  if (aimMs <= floorMs) return present;
  // T itself counts what was lived through since the last step, also over reboots.
  if (steppedToMs !== undefined && floorMs - steppedToMs < rules.stepGapMs) return present;
  const next = Math.min(aimMs, floorMs + rules.stepMaxMs);
  return { ...present, floorMs: next, steppedToMs: next };
}

/** What was kept, where it makes sense; undefined where it does not. */
export function readTimeFloor(value: unknown): TimeFloor | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { floorMs, atMs, bootId, steppedToMs, resetCounter } = value as Readonly<Record<string, unknown>>;
  if (!isTime(floorMs) || typeof atMs !== "number" || !Number.isFinite(atMs) || typeof bootId !== "string") {
    return undefined;
  }
  const counter = typeof resetCounter === "number" && Number.isSafeInteger(resetCounter) ? resetCounter : 0;
  return {
    floorMs,
    atMs,
    bootId: bootId.slice(0, 64),
    ...(isTime(steppedToMs) && { steppedToMs }),
    resetCounter: Math.max(0, counter),
  };
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 && value <= TIME_MAX_MS;
}

/** A time from outside, made one that can be calculated with. */
function clean(timeMs: number): number {
  return Number.isFinite(timeMs) ? Math.min(Math.max(0, timeMs), TIME_MAX_MS) : 0;
}
