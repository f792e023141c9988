/**
 * Pulls one thing from several sources: goes on where the last one ended, leaves those that stall, lie or do not have
 * it, and gives up after so many rounds. What arrives is verified by whoever owns the sink.
 */
import { DiskError, PartError } from "@moult/slots";
import type { PullSettings } from "../config/settings.ts";
import { type Chance, type Clock, type Log, StageError } from "../ports.ts";
import { type Fetcher, type Sink, SourceError, takeFrom } from "./source.ts";

/** What pulling needs. */
export interface PullTools {
  readonly fetcher: Fetcher;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly limits: PullSettings;
  /** Ends everything, at latest when the build's time is over. */
  readonly signal: AbortSignal;
}

/** Where the bytes of one try go. */
export interface Target extends Sink {
  /** Verifies and keeps what came. Throws PartError where it is wrong; the target is of no use then. */
  readonly finish: () => Promise<void>;
  readonly discard: () => Promise<void>;
}

/** One thing to pull. */
export interface Wanted {
  /** Behind a source's base URL, beginning with `/`. */
  readonly path: string;
  readonly lengthBytes: number | undefined;
  readonly bytesMax: number;
  /** A place for a first or a fresh try. */
  readonly open: () => Promise<Target>;
}

/** A try that brought at least this much, in bytes, does not count against a source: bad lines are cut often. */
const PROGRESS_BYTES = 4_096;

/** Waits between rounds begin with this, in milliseconds, double … */
const ROUND_WAIT_MS = 500;

/** … and end here. */
const ROUND_WAIT_MS_MAX = 30_000;

/** Pulls from the first source that has it. Throws StageError PULL, DISK_FULL or DISK. */
export async function pull(wanted: Wanted, sources: readonly string[], tools: PullTools): Promise<void> {
  const banned = new Set<string>();
  /** Sources whose bytes are in the present target. */
  const givers = new Set<string>();
  /** Bytes of different sources did not fit together: take each try from one source. */
  let unmixed = false;
  let target = await open(wanted);
  let last = "no source was named";
  try {
    for (let round = 0; round < tools.limits.rounds; round += 1) {
      if (round > 0) await tools.clock.wait(roundWait(round, tools.chance), tools.signal);
      for (let index = 0; index < sources.length; index += 1) {
        if (tools.signal.aborted) throw new StageError("PULL", "The time for pulling the build was over.");
        const source = sources[index];
        if (source === undefined || banned.has(source)) continue;
        const hasOther = sources.some((other) => other !== source && !banned.has(other));
        if (unmixed && target.receivedBytes > 0 && !givers.has(source)) target = await renew(wanted, target, givers);
        const beforeBytes = target.receivedBytes;
        const failure = await tryOnce(wanted, source, target, tools, hasOther);
        if (failure === undefined) return;
        if (target.receivedBytes > beforeBytes) givers.add(source);
        last = failure.message;
        tools.log.debug({ source, path: wanted.path, code: failure.code }, last);
        if (failure.code === "DIGEST_WRONG" || failure.code === "TOO_SHORT") {
          givers.add(source);
          if (givers.size === 1) banned.add(source);
          else unmixed = true;
          target = await renew(wanted, target, givers);
        } else if (failure.code === "LENGTH" || failure.code === "TOO_LONG") {
          banned.add(source);
          target = await renew(wanted, target, givers);
        } else if (target.receivedBytes - beforeBytes >= PROGRESS_BYTES) {
          index -= 1;
        }
      }
    }
    throw new StageError("PULL", `No source gave ${wanted.path} whole; the last said: ${last}.`);
  } catch (error) {
    await target.discard();
    throw asStageError(error);
  }
}

function roundWait(round: number, chance: Chance): number {
  return chance.roll() * Math.min(ROUND_WAIT_MS_MAX, ROUND_WAIT_MS * 2 ** Math.min(round, 16));
}

/** One try at one source; undefined where it brought everything and it was right. */
async function tryOnce(
  wanted: Wanted,
  source: string,
  target: Target,
  { fetcher, clock, limits, signal }: PullTools,
  impatient: boolean,
): Promise<SourceError | PartError | undefined> {
  const { lengthBytes, bytesMax } = wanted;
  try {
    if (lengthBytes === undefined || target.receivedBytes < lengthBytes) {
      const url = `${source.replace(/\/+$/, "")}${wanted.path}`;
      await takeFrom(fetcher, url, target, { lengthBytes, bytesMax, impatient, limits, clock, signal });
    }
    await target.finish();
    return undefined;
  } catch (error) {
    if (error instanceof SourceError || error instanceof PartError) return error;
    throw error;
  }
}

async function open(wanted: Wanted): Promise<Target> {
  try {
    return await wanted.open();
  } catch (error) {
    throw asStageError(error);
  }
}

async function renew(wanted: Wanted, target: Target, givers: Set<string>): Promise<Target> {
  givers.clear();
  await target.discard();
  return wanted.open();
}

/** The disk's failures in the words of a report. */
export function asStageError(error: unknown): unknown {
  if (!(error instanceof DiskError)) return error;
  return new StageError(error.code === "FULL" ? "DISK_FULL" : "DISK", error.message, error);
}
