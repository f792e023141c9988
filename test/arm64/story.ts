/**
 * The box's life: it boots, enrols, is offered one release after the other, and loses its power at random instants of
 * the updates. Whether its agent works is judged by what the coordinator sees and by nothing on the box.
 */
import { setTimeout as delay } from "node:timers/promises";
import { until } from "../demo/harness/until.ts";
import type { Bench, Sight } from "./bench.ts";
import type { Machine } from "./machine.ts";
import type { Cut } from "./volatile-disk.ts";

/** A boot under emulation, with the agent's start, on a busy machine; in milliseconds. */
const BOOT_MS = 900_000;

/** An update that nobody interrupts, in milliseconds. */
const UPDATE_MS = 900_000;

/** How often the coordinator is asked what it sees, in milliseconds: each look is a process of its own. */
const LOOK_EVERY_MS = 2_000;

/** What happened. */
export interface Story {
  /** Times the box was switched on after a cut. */
  readonly boots: number;
  /** Of them, those after which the agent asked the coordinator. */
  readonly workingAgents: number;
  /** Releases that the box moved to and stayed on. */
  readonly updates: number;
  readonly reverts: number;
  /** From power to the first Ask that was answered, after a cut: median, in milliseconds. */
  readonly bootMsMedian: number;
  /** An update that was not cut, from the dial to the commit, in milliseconds. */
  readonly updateMs: number;
  /** Sectors in the disk's cache at the cuts, and those of them that were lost. */
  readonly unsyncedSectors: number;
  readonly lostSectors: number;
}

/** What the story needs. */
export interface Cast {
  readonly bench: Bench;
  readonly switchOn: () => Machine;
  /** Cuts the power of the disk. */
  readonly cut: () => Promise<Cut>;
  readonly roll: () => number;
  readonly kills: number;
  /** No cut is made after this, in milliseconds since 1970. */
  readonly untilMs: number;
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Lets it happen. Throws WaitedTooLong where the box does not come up for the first time or never updates. */
export async function live(cast: Cast): Promise<Story> {
  const { bench, tell, roll, signal } = cast;
  let machine = cast.switchOn();
  try {
    const boots: number[] = [];
    let [workingAgents, updates, reverts, unsyncedSectors, lostSectors] = [0, 0, 0, 0, 0];
    tell(`enrolled and asked after ${seconds(await asks(cast, machine, Date.now()))}`);
    let target = await bench.release();
    const startedMs = Date.now();
    await until("the first update is done", UPDATE_MS, async () => arrived(await bench.look(), target), signal);
    const updateMs = Date.now() - startedMs;
    updates += 1;
    tell(`updated to ${target} in ${seconds(updateMs)}`);

    target = await bench.release();
    let releasedMs = Date.now();
    let cuts = 0;
    // An update takes about as long as the quickest one that was seen; a later cut would find the box idle.
    let windowMs = updateMs;
    while (cuts < cast.kills && Date.now() < cast.untilMs) {
      const waitMs = Math.round(roll() * windowMs);
      await delay(waitMs, undefined, { signal });
      await machine.kill();
      cuts += 1;
      const cut = await cast.cut();
      unsyncedSectors += cut.unsynced;
      lostSectors += cut.lost;
      const onMs = Date.now();
      machine = cast.switchOn();
      const bootMs = await asks(cast, machine, onMs).catch((error: unknown) => {
        if (signal.aborted) throw error;
        return undefined;
      });
      if (bootMs !== undefined) {
        workingAgents += 1;
        boots.push(bootMs);
      }
      const sight = await bench.look();
      const how = bootMs === undefined ? "NO WORKING AGENT" : `asked after ${seconds(bootMs)}`;
      tell(
        `cut ${cuts} after ${seconds(waitMs)}, ${cut.lost} of ${cut.unsynced} unsynced sectors lost: ${how}, runs ${sight?.version}`,
      );
      if (bootMs === undefined) break;
      const done = arrived(sight, target);
      const reverted = sight?.outcome === "REVERTED" && sight.outcomeAtMs > releasedMs;
      if (done) {
        updates += 1;
        windowMs = Math.min(windowMs, tookMs(sight, releasedMs));
      }
      if (reverted && !done) reverts += 1;
      if (!done && !reverted) continue;
      target = await bench.release();
      releasedMs = Date.now();
    }
    if (boots.length === cuts) {
      await until(
        "the last update is done",
        UPDATE_MS,
        async () => settled(await bench.look(), target, releasedMs),
        signal,
      );
      if (arrived(await bench.look(), target)) updates += 1;
      else reverts += 1;
    }
    const bootMsMedian = boots.sort((x, y) => x - y)[Math.floor(boots.length / 2)] ?? 0;
    return {
      boots: cuts,
      workingAgents,
      updates,
      reverts,
      bootMsMedian,
      updateMs,
      unsyncedSectors,
      lostSectors,
    };
  } finally {
    await machine.kill();
  }
}

/** How long it took from `onMs` until the box's agent had asked, in milliseconds. */
async function asks({ bench, signal }: Cast, machine: Machine, onMs: number): Promise<number> {
  let askedAtMs = 0;
  await until(
    "the box's agent asks",
    BOOT_MS,
    async () => {
      if (!machine.isOn()) throw new Error("the box switched itself off");
      askedAtMs = (await bench.look())?.askedAtMs ?? 0;
      if (askedAtMs <= onMs) await delay(LOOK_EVERY_MS, undefined, { signal });
      return askedAtMs > onMs;
    },
    signal,
  );
  return askedAtMs - onMs;
}

function arrived(sight: Sight | undefined, version: string): boolean {
  return sight?.version === version && sight.outcome === "COMMITTED";
}

function settled(sight: Sight | undefined, version: string, sinceMs: number): boolean {
  return arrived(sight, version) || (sight?.outcome === "REVERTED" && sight.outcomeAtMs > sinceMs);
}

function seconds(spanMs: number): string {
  return `${(spanMs / 1000).toFixed(1)} s`;
}

/** How long the update that ended last took; infinite where none ended since `releasedMs`. */
function tookMs(sight: Sight | undefined, releasedMs: number): number {
  const endedAtMs = sight?.outcomeAtMs ?? 0;
  return endedAtMs > releasedMs ? endedAtMs - releasedMs : Number.POSITIVE_INFINITY;
}
