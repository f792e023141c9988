/**
 * A world: the truth that no policy may look at, except the clairvoyant. It is built before anything happens in it and never
 * changes: who is up when, what is asked of each pool, how long each absence will take.
 */
import { STREAM, exponential, normal, uniform } from "../random.ts";
import { buildDemand } from "./demand.ts";
import { type Fleet, type PoolRange, buildFleet } from "./fleet.ts";
import { DAY_MINUTES, MINUTE_MS, type WorldOptions } from "./options.ts";
import { type Sessions, buildSessions } from "./sessions.ts";

/** The world. Minute 0 is its beginning; the rollout starts at `startMinute`. */
export interface World {
  readonly options: WorldOptions;
  readonly fleet: Fleet;
  readonly sessions: Sessions;
  readonly demand: readonly Float64Array[];
  readonly startMinute: number;
  readonly minutes: number;
  /** 1 where a node runs the release before it starts; nobody does where it is absent. */
  readonly alreadyDone?: Uint8Array;
}

/** A drain lasts exp(3 minutes), and is given up after 15. */
const DRAIN = { meanMinutes: 3, mostMinutes: 15 };
/** An update within the absence: lognormal, median 5 minutes, the logarithm's deviation 0.5. */
const UPDATE = { medianMinutes: 5, deviation: 0.8 };
/** Where the pull is done before, what is left is swap and trial. */
const SWAP = { medianMinutes: 0.5, deviation: 0.8 };
/** One update in 200 hangs for an hour. */
const HANG = { share: 0.005, minutes: 60 };

/** Builds a world, or some pools of it. */
export function buildWorld(options: WorldOptions, range?: PoolRange): World {
  const startMinute = Math.round(options.historyDays * DAY_MINUTES);
  const minutes = startMinute + Math.round(options.days * DAY_MINUTES);
  const fleet = buildFleet(options, range);
  const sessions = buildSessions(options, fleet, minutes * MINUTE_MS);
  return { options, fleet, sessions, demand: buildDemand(options, fleet, minutes), startMinute, minutes };
}

/** How long a node's drain takes, in milliseconds. */
export function drainMs({ options, fleet }: World, node: number, attempt: number): number {
  const minutes = exponential(DRAIN.meanMinutes, options.seed, STREAM.drain, node + fleet.offset, attempt);
  return Math.ceil(Math.min(minutes, DRAIN.mostMinutes) * MINUTE_MS);
}

/** How long a node's swap, trial and, without PREPARE, pull take, in milliseconds. */
export function updateMs({ options, fleet }: World, node: number, attempt: number): number {
  const { seed, prepare } = options;
  if (uniform(seed, STREAM.hang, node + fleet.offset, attempt) < HANG.share) return HANG.minutes * MINUTE_MS;
  const { medianMinutes, deviation } = prepare ? SWAP : UPDATE;
  const minutes = medianMinutes * Math.exp(deviation * normal(seed, STREAM.update, node + fleet.offset, attempt));
  return Math.ceil(minutes * MINUTE_MS);
}

/** How long a node pulls while it works, where the pull is done before, in milliseconds. */
export function pullMs({ options, fleet }: World, node: number): number {
  const minutes =
    UPDATE.medianMinutes * Math.exp(UPDATE.deviation * normal(options.seed, STREAM.pull, node + fleet.offset));
  return Math.ceil(minutes * MINUTE_MS);
}

/** Capacity of each pool that would be up without any leave, at the beginning of each minute. */
export function upWithoutLeaves({ fleet, sessions, minutes }: World): readonly Float64Array[] {
  const changes = Array.from({ length: fleet.pools }, () => new Float64Array(minutes + 1));
  for (let node = 0; node < fleet.nodes; node += 1) {
    const change = changes[fleet.poolOf[node] as number] as Float64Array;
    const capacity = fleet.capacity[node] as number;
    change[0] = (change[0] as number) + capacity;
    for (let flip = sessions.first[node] as number; flip < (sessions.first[node + 1] as number); flip += 1) {
      const down = (flip - (sessions.first[node] as number)) % 2 === 0;
      const minute = Math.min(minutes, Math.ceil((sessions.atMs[flip] as number) / MINUTE_MS));
      change[minute] = (change[minute] as number) + (down ? -capacity : capacity);
    }
  }
  return changes.map((change) => {
    let sum = 0;
    return change.map((by) => (sum += by)).subarray(0, minutes);
  });
}
