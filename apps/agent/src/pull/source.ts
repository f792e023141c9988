/** One answer of one source, taken in within bounds of time and size. */
import type { PullSettings } from "../config/settings.ts";
import type { Clock } from "../ports.ts";
import type { Pace } from "./pace.ts";

/** What a source answered. */
export interface Answer {
  /** The HTTP status. */
  readonly status: number;
  /** Where in the whole the first byte of `pieces` belongs. */
  readonly offsetBytes: number;
  /** Length of the whole, where the source says one. */
  readonly totalBytes: number | undefined;
  readonly pieces: AsyncIterable<Uint8Array>;
}

/** Gets bytes over HTTPS. Throws SourceError UNREACHABLE. */
export interface Fetcher {
  /** Asks for `url` from `offsetBytes` on. Ends when `signal` is aborted. */
  readonly get: (url: string, offsetBytes: number, signal: AbortSignal) => Promise<Answer>;
}

/** Why a source was left. */
export type SourceErrorCode =
  /** No connection, or not one that can be trusted. */
  | "UNREACHABLE"
  /** An answer other than 200 or 206; 404 above all. */
  | "STATUS"
  /** The connection broke before the end. */
  | "CUT"
  /** Nothing came for too long. */
  | "STALLED"
  /** Too little came for too long. */
  | "SLOW"
  /** It says, or sends, another length than the right one. */
  | "LENGTH"
  /** The pull was ended from here. */
  | "ABORTED";

/** A source that was left. */
export class SourceError extends Error {
  readonly code: SourceErrorCode;
  /** With STATUS, what was answered. */
  readonly status: number | undefined;

  constructor(
    code: SourceErrorCode,
    message: string,
    more: { readonly cause?: unknown; readonly status?: number } = {},
  ) {
    super(message, { cause: more.cause });
    this.name = "SourceError";
    this.code = code;
    this.status = more.status;
  }
}

/** Where bytes go. */
export interface Sink {
  /** Where the next byte is wanted from. It may move on by more than was written: what is between is not wanted. */
  readonly receivedBytes: number;
  /** The exact length of the whole, as far as it is known; it may become known by what is written. */
  readonly lengthBytes: number | undefined;
  readonly write: (bytes: Uint8Array) => Promise<void>;
}

/** How one answer is taken in. */
export interface TakeOptions {
  /** Never more than this of the whole. */
  readonly bytesMax: number;
  /** Whether a slow source is to be left; not where it is the only one. */
  readonly impatient: boolean;
  readonly limits: PullSettings;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What is not wanted is read over up to this length, in bytes; beyond it, another request costs less. */
const SKIP_BYTES_MAX = 65_536;

/** Over so long a time a source's rate is judged, in milliseconds: a mobile network's pauses are shorter. */
const RATE_WINDOW_MS = 30_000;

/** Takes the rest of `url` into `sink`, from where the sink stands. Throws SourceError, and whatever the sink throws. */
export async function takeFrom(fetcher: Fetcher, url: string, sink: Sink, options: TakeOptions): Promise<void> {
  // Once, for a sink moves on at its head and nowhere else; a source that knows no ranges is then read through.
  if ((await takeAnswer(fetcher, url, sink, options, SKIP_BYTES_MAX)) === "MOVED") {
    await takeAnswer(fetcher, url, sink, options, Number.POSITIVE_INFINITY);
  }
  const { receivedBytes, lengthBytes } = sink;
  if (lengthBytes === undefined ? receivedBytes === 0 : receivedBytes < lengthBytes) {
    throw new SourceError("CUT", `the source ended after ${receivedBytes} of ${lengthBytes ?? "its"} bytes`);
  }
}

async function takeAnswer(
  fetcher: Fetcher,
  url: string,
  sink: Sink,
  options: TakeOptions,
  skipBytesMax: number,
): Promise<"ENDED" | "MOVED"> {
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  try {
    const answer = await inTime(fetcher.get(url, sink.receivedBytes, signal), options);
    checkHead(answer, sink, options);
    return await takePieces(answer, sink, options, skipBytesMax);
  } finally {
    ended.abort();
  }
}

function checkHead({ status, offsetBytes, totalBytes }: Answer, sink: Sink, { bytesMax }: TakeOptions): void {
  if (status !== 200 && status !== 206) throw new SourceError("STATUS", `the source answered ${status}`, { status });
  if (offsetBytes > sink.receivedBytes) throw new SourceError("LENGTH", "the source left bytes out");
  if (totalBytes === undefined) return;
  if (totalBytes > bytesMax || totalBytes !== (sink.lengthBytes ?? totalBytes)) {
    throw new SourceError("LENGTH", `the source has ${totalBytes} bytes, not ${sink.lengthBytes ?? bytesMax}`);
  }
}

async function takePieces(
  answer: Answer,
  sink: Sink,
  options: TakeOptions,
  skipBytesMax: number,
): Promise<"ENDED" | "MOVED"> {
  const { clock, signal, bytesMax, pace } = options;
  // A source that does not know ranges sends what is here already once more.
  let atBytes = answer.offsetBytes;
  let window = { beganMs: clock.nowMs(), bytes: 0 };
  const pieces = answer.pieces[Symbol.asyncIterator]();
  for (;;) {
    const next = await inTime(pieces.next(), options);
    if (next.done === true) return "ENDED";
    const skippedBytes = Math.min(sink.receivedBytes - atBytes, next.value.length);
    atBytes += next.value.length;
    if (atBytes > bytesMax) throw new SourceError("LENGTH", `the source sends more than ${bytesMax} bytes`);
    if (skippedBytes < next.value.length) await sink.write(next.value.subarray(skippedBytes));
    window = judgeRate(window, next.value.length, options);
    if (sink.receivedBytes - atBytes > skipBytesMax) return "MOVED";
    await pace.spend(next.value.length, signal);
  }
}

interface Window {
  readonly beganMs: number;
  readonly bytes: number;
}

function judgeRate(window: Window, addedBytes: number, { limits, clock, impatient }: TakeOptions): Window {
  const bytes = window.bytes + addedBytes;
  const lastedMs = clock.nowMs() - window.beganMs;
  if (lastedMs < RATE_WINDOW_MS) return { ...window, bytes };
  const { rateMinBytesPerS, rateMaxBytesPerS } = limits;
  // Who is held back from here is not slow.
  const rateBytesPerS = rateMaxBytesPerS > 0 ? Math.min(rateMinBytesPerS, rateMaxBytesPerS / 2) : rateMinBytesPerS;
  if (impatient && bytes < (rateBytesPerS * lastedMs) / 1000) {
    throw new SourceError("SLOW", `the source sent ${bytes} bytes in ${Math.round(lastedMs / 1000)} s`);
  }
  return { beganMs: clock.nowMs(), bytes: 0 };
}

/** Waits for `step`, but for no longer than a source may be silent. */
async function inTime<T>(step: Promise<T>, { limits, clock, signal }: TakeOptions): Promise<T> {
  const timer = new AbortController();
  const overdue = clock.wait(limits.stallTimeoutMs, AbortSignal.any([timer.signal, signal])).then(() => undefined);
  try {
    const first = await Promise.race([step.then((value) => ({ value })), overdue]);
    if (first !== undefined) return first.value;
  } finally {
    timer.abort();
    // Left behind, it fails when the connection is ended; that is no news then.
    step.catch(ignoreLate);
  }
  if (signal.aborted) throw new SourceError("ABORTED", "the pull's time was over");
  throw new SourceError("STALLED", `the source sent nothing for ${limits.stallTimeoutMs} ms`);
}

function ignoreLate(): void {}
