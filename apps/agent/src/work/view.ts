/** What is known of the workload, from its last answer and its last sign of life. Pure. */
import type { WorkReport, WorkSeen } from "../situation.ts";
import type { WorkAnswer } from "./ports.ts";

/** What was observed. */
export interface Observed {
  readonly kind: "work-service" | "hooks" | "none";
  readonly alive: boolean;
  readonly run: number;
  readonly exits: number;
  /** Whether this run has taken in what it was last told. */
  readonly told: boolean;
  /** It was told to drain and has not answered for so long that there is nobody to wait for. */
  readonly deaf?: boolean;
  /** A former agent started this run, and it has not answered this one yet: it may be full of work. */
  readonly adopted?: boolean;
  /** The last answer of this run. */
  readonly answer?: WorkAnswer;
  /** How many questions in a row have gone unanswered. */
  readonly silences: number;
}

/** So many unanswered questions in a row, and the last answer no longer counts. */
const SILENCES_MAX = 3;

const NO_REPORT: WorkReport = { capacityRps: 0, loadRps: 0, endpoint: "" };

/** The view. */
export function viewOf(observed: Observed): WorkSeen {
  const { kind, alive, run, exits, told, answer, silences, adopted = false, deaf = false } = observed;
  const counters = { run, exits, told, inFlight: 0, startedTotal: 0n, shards: [], locked: false, message: "" };
  if (kind === "none") {
    return { view: { ...counters, told: true, answering: true, state: "NONE" }, report: NO_REPORT };
  }
  if (!alive) return { view: { ...counters, answering: false, state: "STOPPED" }, report: NO_REPORT };
  if (answer === undefined && (!adopted || silences < SILENCES_MAX)) {
    const starting = { ...counters, answering: false, state: "STARTING", locked: adopted } as const;
    return { view: starting, report: NO_REPORT };
  }
  if (answer === undefined || silences >= SILENCES_MAX) {
    const shards = answer?.shards ?? [];
    const message = "It does not answer.";
    const silent = { ...counters, shards, answering: false, deaf, state: "FAILED", message } as const;
    return { view: silent, report: NO_REPORT };
  }
  const { state, report, inFlight, startedTotal, shards, locked, message } = answer;
  const view = { ...counters, inFlight, startedTotal, shards, locked, message, state, answering: true } as const;
  return { view, report };
}

/** So many unanswered questions … */
const UNHEARD_MAX = 10;

/** … over this time, in milliseconds, and a Drain has fallen on deaf ears. */
const DEAF_MS = 10_000;

/** Whether a workload that was told to drain `sinceMs` ago, and left so many questions unanswered since, hangs. */
export function isDeaf(unheard: number, sinceMs: number): boolean {
  return unheard >= UNHEARD_MAX && sinceMs >= DEAF_MS;
}

/** A run shorter than this counts as a failure to start, in milliseconds. */
const STEADY_MS = 10_000;

/** Waits before a restart begin with this after the first, immediate one, in milliseconds … */
const RESTART_MS_MIN = 250;

/** … and double up to this. */
const RESTART_MS_MAX = 30_000;

/** How often in a row it failed to start, after a run of `lastedMs`. */
export function failuresAfter(failures: number, lastedMs: number): number {
  return lastedMs >= STEADY_MS ? 1 : failures + 1;
}

/** How long to wait before a restart. */
export function restartWait(failures: number): number {
  return failures <= 1 ? 0 : Math.min(RESTART_MS_MAX, RESTART_MS_MIN * 2 ** Math.min(failures - 2, 16));
}
