/** One answer of one source, taken in within bounds of time and size. */
import type { PullSettings } from "../config/settings.ts";
import type { Clock } from "../ports.ts";

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

  constructor(code: SourceErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "SourceError";
    this.code = code;
  }
}

/** Where bytes go. */
export interface Sink {
  readonly receivedBytes: number;
  readonly write: (bytes: Uint8Array) => Promise<void>;
}

/** How one answer is taken in. */
export interface TakeOptions {
  /** The exact length of the whole, or undefined where only a bound is known. */
  readonly lengthBytes: number | undefined;
  /** Never more than this. */
  readonly bytesMax: number;
  /** Whether a slow source is to be left; not where it is the only one. */
  readonly impatient: boolean;
  readonly limits: PullSettings;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Over so long a time a source's rate is judged, in milliseconds: a mobile network's pauses are shorter. */
const RATE_WINDOW_MS = 30_000;

/** Takes the rest of `url` into `sink`, from where the sink stands. Throws SourceError, and whatever the sink throws. */
export async function takeFrom(fetcher: Fetcher, url: string, sink: Sink, options: TakeOptions): Promise<void> {
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  try {
    const answer = await inTime(fetcher.get(url, sink.receivedBytes, signal), options);
    checkHead(answer, sink.receivedBytes, options);
    await takePieces(answer, sink, options);
  } finally {
    ended.abort();
  }
  const { lengthBytes } = options;
  if (lengthBytes !== undefined && sink.receivedBytes < lengthBytes) {
    throw new SourceError("CUT", `the source ended after ${sink.receivedBytes} of ${lengthBytes} bytes`);
  }
}

function checkHead(answer: Answer, fromBytes: number, { lengthBytes }: TakeOptions): void {
  const { status, offsetBytes, totalBytes } = answer;
  if (status !== 200 && status !== 206) throw new SourceError("STATUS", `the source answered ${status}`);
  if (offsetBytes > fromBytes) throw new SourceError("LENGTH", "the source left bytes out");
  if (lengthBytes !== undefined && totalBytes !== undefined && totalBytes !== lengthBytes) {
    throw new SourceError("LENGTH", `the source has ${totalBytes} bytes, not ${lengthBytes}`);
  }
}

async function takePieces(answer: Answer, sink: Sink, options: TakeOptions): Promise<void> {
  const { limits, clock, signal, bytesMax } = options;
  // A source that does not know ranges sends what is here already once more.
  let toSkipBytes = sink.receivedBytes - answer.offsetBytes;
  const beganMs = clock.nowMs();
  let window = { beganMs, bytes: 0 };
  let takenBytes = 0;
  const pieces = answer.pieces[Symbol.asyncIterator]();
  for (;;) {
    const next = await inTime(pieces.next(), options);
    if (next.done === true) return;
    const skipped = Math.min(toSkipBytes, next.value.length);
    toSkipBytes -= skipped;
    const piece = skipped === 0 ? next.value : next.value.subarray(skipped);
    if (sink.receivedBytes + piece.length > bytesMax) {
      throw new SourceError("LENGTH", `the source sends more than ${bytesMax} bytes`);
    }
    if (piece.length > 0) await sink.write(piece);
    takenBytes += next.value.length;
    window = judgeRate(window, next.value.length, options);
    if (limits.rateMaxBytesPerS > 0) {
      const aheadMs = (takenBytes / limits.rateMaxBytesPerS) * 1000 - (clock.nowMs() - beganMs);
      if (aheadMs > 0) await clock.wait(aheadMs, signal);
    }
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
  if (impatient && bytes < (limits.rateMinBytesPerS * lastedMs) / 1000) {
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
