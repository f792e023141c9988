/** Counts what became of the requests, as the asker met it. Every request counts; one that failed has failed. */
import { Rate } from "../measure/rate.ts";
import { FailureSpans } from "./failure-spans.ts";
import { Latencies } from "./latencies.ts";
import type { LoadFigures } from "./messages.ts";

/** The load that is told is that of the last second. */
const OFFERED_WINDOW_MS = 1000;

/** How a request ended. `node` is who answered for it, where that is known. */
export interface Ending {
  readonly ok: boolean;
  /** Why it failed, as in `503` or `timeout`; empty where it went well. */
  readonly reason: string;
  readonly node: string | undefined;
  /** The version that did the work, where it went well. */
  readonly version: string | undefined;
}

/** The running count. */
export class Tally {
  readonly #offered = new Rate(OFFERED_WINDOW_MS);
  readonly #latencies = new Latencies();
  readonly #spans = new FailureSpans();
  readonly #spansByNode = new Map<string, { readonly spans: FailureSpans; seq: number }>();
  readonly #failures: Record<string, number> = {};
  readonly #byVersion: Record<string, number> = {};
  #sent = 0;
  #ended = 0;
  #failed = 0;

  /** A request that was due at `dueMs` is sent; returns its number. */
  send(dueMs: number): number {
    this.#offered.count(dueMs);
    this.#sent += 1;
    return this.#sent - 1;
  }

  /** The request `seq`, sent at `sentMs`, ended at `nowMs`. */
  settle(seq: number, sentMs: number, nowMs: number, ending: Ending): void {
    this.#ended += 1;
    this.#spans.settle(seq, sentMs, ending.ok);
    if (ending.node !== undefined) this.#settleNode(ending.node, sentMs, ending.ok);
    if (ending.ok) {
      this.#latencies.record(nowMs - sentMs);
      if (ending.version !== undefined) increment(this.#byVersion, ending.version);
    } else {
      this.#failed += 1;
      increment(this.#failures, ending.reason);
    }
  }

  figures(nowMs: number): LoadFigures {
    return {
      total: this.#ended,
      failed: this.#failed,
      inFlight: this.#sent - this.#ended,
      offeredRps: this.#offered.perSecond(nowMs),
      latencyP50Ms: this.#latencies.quantileMs(0.5),
      latencyP99Ms: this.#latencies.quantileMs(0.99),
      longestFailureMs: this.#spans.longestMs,
      longestFailureByNodeMs: Object.fromEntries([...this.#spansByNode].map(([node, n]) => [node, n.spans.longestMs])),
      failuresByReason: { ...this.#failures },
      answeredByVersion: { ...this.#byVersion },
    };
  }

  /** One node answers nearly in the order in which it was asked; its requests are judged as they end. */
  #settleNode(node: string, sentMs: number, ok: boolean): void {
    const entry = this.#spansByNode.get(node) ?? { spans: new FailureSpans(), seq: 0 };
    this.#spansByNode.set(node, entry);
    entry.spans.settle(entry.seq, sentMs, ok);
    entry.seq += 1;
  }
}

function increment(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
