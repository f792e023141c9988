/**
 * Pulls one thing by several ways from several sources: goes on where the last one ended, leaves those that stall, lie
 * or do not have it, and gives up after so many rounds. What arrives is verified by whoever owns the target. A source
 * that lies costs at most the thing's length once by a way that is optional and once by one that is not.
 */
import { DeltaError } from "@moult/delta";
import { DiskError, PartError } from "@moult/slots";
import type { PullSettings } from "../config/settings.ts";
import { type Chance, type Clock, type Log, StageError } from "../ports.ts";
import type { Health } from "./health.ts";
import type { Pace } from "./pace.ts";
import { type Fetcher, type Sink, SourceError, takeFrom } from "./source.ts";

/** What pulling needs. */
export interface PullTools {
  readonly fetcher: Fetcher;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly limits: PullSettings;
  readonly pace: Pace;
  readonly health: Health;
  /** Ends everything, at latest when the build's time is over. */
  readonly signal: AbortSignal;
}

/** Where the bytes of a thing go, however they travel. */
export interface Target {
  /** Bytes here so far; at the beginning those that an earlier pull left. */
  readonly receivedBytes: number;
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** Verifies and keeps what came. Throws PartError where it is wrong; the target is of no use then. */
  readonly finish: () => Promise<void>;
  /** Keeps what came for a later pull, as far as it can be kept. */
  readonly suspend: () => Promise<void>;
  readonly discard: () => Promise<void>;
}

/** One way by which a thing can travel. */
export interface Way {
  /** Behind a source's base URL, beginning with `/`. */
  readonly path: string;
  /** Never take more than this by it. */
  readonly bytesMax: number;
  /** Whether a source may well not have it, so that another way is taken instead of waiting for it. */
  readonly optional: boolean;
  /** Takes the bytes as they travel and writes the thing's own into `target`. */
  readonly into: (target: Target) => Sink;
}

/** One thing to pull. */
export interface Wanted {
  /** What it is, for people. */
  readonly name: string;
  readonly lengthBytes: number | undefined;
  /** At least one; the next is taken when no source gave it by the one before. */
  readonly ways: readonly Way[];
  /** A place for it, with what came of it before. */
  readonly open: () => Promise<Target>;
}

/** A try that brought at least this much, in bytes, does not count against a source: bad lines are cut often. */
const PROGRESS_BYTES = 4_096;

/** So often all sources are gone through for a way that a thing need not come by. */
const OPTIONAL_ROUNDS = 2;

/** Answers that say that a thing may be had later; any other one says that it is not had here. */
const LATER_STATUSES: ReadonlySet<number | undefined> = new Set([408, 429, 502, 503, 504]);

/** Waits between rounds begin with this, in milliseconds, double … */
const ROUND_WAIT_MS = 500;

/** … and end here. */
const ROUND_WAIT_MS_MAX = 30_000;

/**
 * Pulls by the first way, from the first source, that brings it whole. What came is kept for a later pull where none
 * did. Throws StageError PULL, DISK_FULL or DISK.
 */
export async function pull(wanted: Wanted, sources: readonly string[], tools: PullTools): Promise<void> {
  const running = new Pull(wanted, sources, tools);
  try {
    await running.begin();
    for (const way of wanted.ways) if (await running.by(way)) return;
    throw new StageError("PULL", `No source gave ${wanted.name} whole; the last said: ${running.last}.`);
  } catch (error) {
    const failure = asStageError(error);
    await running.end(failure instanceof StageError && failure.code === "DISK_FULL");
    throw failure;
  }
}

/** How a try ended. */
type Tried =
  | "DONE"
  /** It brought something and is repeated at once. */
  | "FORWARD"
  /** It brought something, and the next source may bring more. */
  | "SLOWLY"
  /** It brought nothing; the source has another chance in the next round. */
  | "LATER"
  /** The source is not asked again by this way. */
  | "BANNED";

type Failure = SourceError | PartError | DeltaError;

/** Bytes in the target that an earlier pull left; who gave them is not known any more. */
const EARLIER = "an earlier pull";

/** One pull under way. */
class Pull {
  readonly #wanted: Wanted;
  readonly #sources: readonly string[];
  readonly #tools: PullTools;
  /** Whose bytes are in the target: `way source`, or EARLIER. */
  readonly #givers = new Set<string>();
  /** Sources that lied by a way that is optional, and are not asked for such a way again. */
  readonly #liars = new Set<string>();
  /** Bytes of different givers did not fit together: take all from one. */
  #unmixed = false;
  #target: Target | undefined;
  /** Bytes on their way through, of one giver. */
  #through: { readonly giver: string; readonly sink: Sink } | undefined;
  /** What the last source that failed said. */
  last = "no source was named";

  constructor(wanted: Wanted, sources: readonly string[], tools: PullTools) {
    this.#wanted = wanted;
    this.#sources = sources;
    this.#tools = tools;
  }

  async begin(): Promise<void> {
    this.#target = await this.#wanted.open();
    this.#givers.clear();
    this.#through = undefined;
    if (this.#target.receivedBytes > 0) this.#givers.add(EARLIER);
  }

  /** Whether the thing came by this way. */
  async by(way: Way): Promise<boolean> {
    const { limits, clock, chance, signal, health } = this.#tools;
    const banned = new Set<string>(way.optional ? this.#liars : []);
    const rounds = way.optional ? Math.min(OPTIONAL_ROUNDS, limits.rounds) : limits.rounds;
    // A round that brought something does not count: on a slow line there are many.
    for (let round = 0, moved = false; round < rounds; round += moved ? 0 : 1) {
      moved = false;
      if (this.#sources.every((source) => banned.has(source))) return false;
      if (round > 0) await clock.wait(roundWait(round, chance), signal);
      const order = health.order(this.#sources);
      for (let index = 0; index < order.length; index += 1) {
        if (signal.aborted) throw new StageError("PULL", "The time for pulling the build was over.");
        const source = order[index];
        if (source === undefined || banned.has(source)) continue;
        const hasOther = order.some((other) => other !== source && !banned.has(other));
        const tried = await this.#try(way, source, hasOther);
        if (tried === "DONE") return true;
        if (tried === "BANNED") banned.add(source);
        if (tried === "FORWARD") index -= 1;
        if (tried === "SLOWLY") moved = true;
      }
    }
    return false;
  }

  /** Leaves the target as it is to be found by the next pull, or frees its space. */
  async end(discard: boolean): Promise<void> {
    await (discard ? this.#target?.discard() : this.#target?.suspend());
  }

  async #try(way: Way, source: string, hasOther: boolean): Promise<Tried> {
    const { health, log } = this.#tools;
    const giver = `${way.path} ${source}`;
    let target = this.#present();
    if (this.#unmixed && target.receivedBytes > 0 && !this.#givers.has(giver)) target = await this.#renew();
    if (this.#through?.giver !== giver) this.#through = { giver, sink: way.into(target) };
    const { sink } = this.#through;
    const [targetBytes, sinkBytes] = [target.receivedBytes, sink.receivedBytes];
    const failure = await this.#take(way, source, target, sink, hasOther);
    if (failure === undefined) {
      health.served(source);
      return "DONE";
    }
    const gave = target.receivedBytes > targetBytes;
    if (gave) this.#givers.add(giver);
    this.last = failure.message;
    log.debug({ source, path: way.path, code: failure.code }, failure.message);
    switch (failure.code) {
      case "DIGEST_WRONG":
      case "TOO_SHORT":
        return this.#judge(way, source, giver);
      case "LENGTH":
      case "TOO_LONG":
      case "MALFORMED":
      case "OTHER_PART":
      case "OLD_UNREADABLE":
      case "CHUNK_WRONG":
        if (gave || this.#givers.has(giver)) await this.#renew();
        this.#through = undefined;
        return this.#ban(way, source);
      case "STATUS":
        if (!way.optional || LATER_STATUSES.has(failure.status)) health.failed(source);
        else return "BANNED";
        return "LATER";
      case "UNREACHABLE":
      case "CUT":
      case "STALLED":
      case "SLOW":
      case "ABORTED": {
        const movedBytes = Math.max(target.receivedBytes - targetBytes, sink.receivedBytes - sinkBytes);
        const moved = movedBytes >= PROGRESS_BYTES;
        if (failure.code !== "CUT" || !moved) health.failed(source);
        if (!moved) return "LATER";
        // One that is cut or stands still is gone on with; a slow one waits until the others were asked.
        return failure.code === "SLOW" ? "SLOWLY" : "FORWARD";
      }
    }
  }

  /** All bytes are here and are not the thing's: whose fault is it? */
  async #judge(way: Way, source: string, giver: string): Promise<Tried> {
    this.#givers.add(giver);
    const [givers, fromEarlier] = [this.#givers.size, this.#givers.has(EARLIER)];
    await this.#renew();
    if (givers === 1) return this.#ban(way, source);
    // A power cut may have spoilt what an earlier pull left; this source begins anew and is judged by that.
    if (fromEarlier && givers === 2) return "FORWARD";
    // Several gave it, and who of them lied is found out one by one.
    this.#unmixed = true;
    return "LATER";
  }

  #ban(way: Way, source: string): "BANNED" {
    this.#tools.health.failed(source);
    if (way.optional) this.#liars.add(source);
    return "BANNED";
  }

  /** Undefined where everything came and was right. */
  async #take(way: Way, source: string, target: Target, sink: Sink, impatient: boolean): Promise<Failure | undefined> {
    const { fetcher, clock, limits, signal, pace } = this.#tools;
    const { lengthBytes } = this.#wanted;
    try {
      if (lengthBytes === undefined || target.receivedBytes < lengthBytes) {
        const url = `${source.replace(/\/+$/, "")}${way.path}`;
        await takeFrom(fetcher, url, sink, { bytesMax: way.bytesMax, impatient, limits, pace, clock, signal });
      }
      await target.finish();
      return undefined;
    } catch (error) {
      if (error instanceof SourceError || error instanceof PartError || error instanceof DeltaError) return error;
      throw error;
    }
  }

  async #renew(): Promise<Target> {
    await this.#present().discard();
    await this.begin();
    return this.#present();
  }

  #present(): Target {
    if (this.#target === undefined) throw new Error("a pull begins before it tries");
    return this.#target;
  }
}

function roundWait(round: number, chance: Chance): number {
  return chance.roll() * Math.min(ROUND_WAIT_MS_MAX, ROUND_WAIT_MS * 2 ** Math.min(round, 16));
}

/** The disk's failures in the words of a report. */
export function asStageError(error: unknown): unknown {
  if (!(error instanceof DiskError)) return error;
  return new StageError(error.code === "FULL" ? "DISK_FULL" : "DISK", error.message, error);
}
