/** What may happen to a whole fleet at once, and how its arrivals are distributed afterwards. */
import { histogram, uniformP } from "./chi-square.ts";
import { type Outage, type Roll, STREAMS, TUNABLES, answeredAsks, streamBack, streamFirst } from "./fleet.ts";

/** As many as there are hundreds of devices a bin at ten thousand: far more than χ² asks for. */
const BINS = 100;

const { wakeIntervalMs: WAKE_MS } = TUNABLES;
const NEVER = { fromMs: 0, toMs: 0 };

/** Plays a fleet once; gives p of its arrivals against uniform. */
export type Scenario = (agents: number, roll: Roll) => number;

/** The scenarios by name. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  /** The power comes back everywhere at once. Over the first wake interval. */
  massRestart: (agents, roll) => asks(agents, () => NEVER, roll),
  /** The same, and no coordinator is there for up to three intervals. Over one interval from its return. */
  restartInOutage: (agents, roll) => {
    const toMs = 3 * WAKE_MS * roll();
    return asks(agents, () => ({ fromMs: 0, toMs }), roll);
  },
  /** A fleet whose devices were switched on at one time or another loses its coordinator for up to three intervals. */
  outage: (agents, roll) => {
    const lastsMs = 3 * WAKE_MS * roll();
    return asks(
      agents,
      () => {
        // From one ask to the next it is 1.1 intervals on average; over one such period devices began at any time.
        const fromMs = (8 + 1.1 * roll()) * WAKE_MS;
        return { fromMs, toMs: fromMs + lastsMs };
      },
      roll,
    );
  },
  /** Streams after the power came back everywhere. Over a pulse interval. */
  firstStreams: (agents, roll) =>
    spread(
      times(agents, () => streamFirst(roll)),
      STREAMS.pulseIntervalMs,
    ),
  /** Streams after the coordinator was killed and was there again at once. Over the reconnect window. */
  streamsAfterKill: (agents, roll) =>
    spread(
      times(agents, () => streamBack(0, undefined, roll)),
      STREAMS.reconnectMaxMs,
    ),
  /** Streams after a coordinator has told everybody to come back within ten seconds. */
  streamsAfterDrain: (agents, roll) =>
    spread(
      times(agents, () => streamBack(0, 10_000, roll)),
      10_000,
    ),
};

/** The most streams that come back within one second after an outage of `outageMs`. */
export function streamPeakPerS(agents: number, outageMs: number, roll: Roll): number {
  const perSecond = new Map<number, number>();
  for (const time of times(agents, () => streamBack(outageMs, undefined, roll))) {
    const second = Math.floor(time / 1_000);
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
  }
  return Math.max(...perSecond.values());
}

/** A generator of the suite's own (sfc32: Doty-Humphrey, PractRand 2010), so that a seed replays exactly. */
export function rollOf(seed: number): Roll {
  let [a, b, c, counter] = [seed, 0x9e37_79b9, 0x243f_6a88, 1];
  const next = (): number => {
    const value = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + value) | 0;
    return (value >>> 0) / 2 ** 32;
  };
  for (let warm = 0; warm < 20; warm += 1) next();
  return next;
}

/** Over one wake interval from the end of the outage, as each device's own clock has it. */
function asks(agents: number, outageOf: () => Outage, roll: Roll): number {
  const arrivals = times(agents, () => {
    const outage = outageOf();
    return answeredAsks(outage, outage.toMs + WAKE_MS, roll)
      .filter((time) => time >= outage.toMs)
      .map((time) => time - outage.toMs);
  });
  return spread(arrivals.flat(), WAKE_MS);
}

function spread(arrivals: readonly number[], withinMs: number): number {
  return uniformP(histogram(arrivals, withinMs, BINS));
}

function times<T>(count: number, make: () => T): readonly T[] {
  return Array.from({ length: count }, make);
}
