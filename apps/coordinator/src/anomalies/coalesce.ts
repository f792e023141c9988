/**
 * Tells findings as events, so that a fault that repeats is counted and not repeated. The first of a kind about a thing is
 * told at once. Those of the following minute are told together when it has passed; while they go on, the time doubles, up
 * to an hour. Of each kind, so many things a minute are told by themselves; the rest of that minute are told as one.
 */
import { BoundedMap } from "./bounded-map.ts";
import type { EventKind, Finding, FleetEvent } from "./kinds.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Things of one kind that are told by themselves in a minute: as many as anybody reads. */
const SUBJECTS_A_MINUTE = 60;
/** Things whose repeats are counted at once; some 400 bytes each. */
const COUNTED_MAX = 10_000;

/** What stands for the rest of a minute's things. */
const REST = "*";

/** An event that has no number yet. */
export type Told = Omit<FleetEvent, "eventId">;

interface Counting {
  finding: Finding;
  /** Seen since it was last told. */
  count: number;
  firstAtMs: number;
  lastAtMs: number;
  windowMs: number;
  endsAtMs: number;
}

/** What is being counted. */
export class Coalescer {
  readonly #counting = new BoundedMap<string, Counting>(COUNTED_MAX);
  readonly #budgets = new Map<EventKind, { startedAtMs: number; left: number }>();

  get size(): number {
    return this.#counting.size;
  }

  /** Takes a finding in; answers what is to be told at once. */
  add(finding: Finding, now: number): readonly Told[] {
    const known = this.#counting.get(`${finding.kind} ${finding.subject}`);
    if (known !== undefined) return count(known, finding, now);
    if (this.#hasBudget(finding.kind, now)) return this.#begin(finding, now);
    const rest: Finding = { ...finding, subject: REST, nodeId: "", poolId: "", message: restMessage(finding) };
    const counted = this.#counting.get(`${rest.kind} ${REST}`);
    return counted === undefined ? this.#begin(rest, now) : count(counted, rest, now);
  }

  /** What is to be told because its time has passed. */
  due(now: number): readonly Told[] {
    const told: Told[] = [];
    for (const [key, counting] of this.#counting.entries()) {
      if (counting.endsAtMs > now) continue;
      if (counting.count === 0) {
        this.#counting.delete(key);
        continue;
      }
      told.push(toldOf(counting));
      counting.count = 0;
      counting.windowMs = Math.min(counting.windowMs * 2, HOUR_MS);
      counting.endsAtMs = now + counting.windowMs;
    }
    return told;
  }

  #begin(finding: Finding, now: number): readonly Told[] {
    const counting = {
      finding,
      count: 1,
      firstAtMs: now,
      lastAtMs: now,
      windowMs: MINUTE_MS,
      endsAtMs: now + MINUTE_MS,
    };
    const first = toldOf(counting);
    const forgotten = this.#counting.set(`${finding.kind} ${finding.subject}`, { ...counting, count: 0 });
    // What is forgotten to make room is told as far as it was counted: nothing that was seen goes untold.
    return forgotten === undefined || forgotten.count === 0 ? [first] : [first, toldOf(forgotten)];
  }

  #hasBudget(kind: EventKind, now: number): boolean {
    const known = this.#budgets.get(kind);
    const holds = known !== undefined && now - known.startedAtMs < MINUTE_MS;
    const budget = holds ? known : { startedAtMs: now, left: SUBJECTS_A_MINUTE };
    if (budget !== known) this.#budgets.set(kind, budget);
    if (budget.left === 0) return false;
    budget.left -= 1;
    return true;
  }
}

function count(counting: Counting, finding: Finding, now: number): readonly Told[] {
  if (counting.count === 0) counting.firstAtMs = now;
  counting.finding = finding;
  counting.count += 1;
  counting.lastAtMs = now;
  return [];
}

function toldOf({ finding, count: seen, firstAtMs, lastAtMs }: Counting): Told {
  return { ...finding, count: seen, firstAtMs, lastAtMs };
}

function restMessage({ message }: Finding): string {
  return `more than ${SUBJECTS_A_MINUTE} in a minute, the last: ${message}`;
}
