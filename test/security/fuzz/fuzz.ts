/**
 * Shares inputs out among threads and watches them: an input that is not done in time is a hang, a thread that runs out of
 * memory is a crash, and both are named by parser, seed and number, by which they can be played again.
 */
import { Worker } from "node:worker_threads";
import type { Parser } from "./parser.ts";
import { PARSERS } from "./registry.ts";
import type { Crash } from "./round.ts";
import type { WorkerOrders, WorkerWord } from "./worker.ts";

/** What to play. */
export interface FuzzPlan {
  /** In all; each parser gets at least one. */
  readonly inputs: number;
  readonly seed: number;
  readonly threads: number;
  /** Only parsers whose name holds it. */
  readonly match?: string;
  readonly onProgress?: (inputs: number) => void;
}

/** An input that was not done in time. */
export interface Hang {
  readonly parser: string;
  readonly seed: number;
  readonly input: number;
}

/** What came of it. */
export interface FuzzReport {
  readonly inputs: number;
  readonly parsers: number;
  readonly crashes: readonly Crash[];
  readonly hangs: readonly Hang[];
  /** The most by which what is kept grew over all inputs of one parser, in MiB. */
  readonly heapGrowthMB: number;
  readonly byParser: readonly {
    readonly parser: string;
    readonly inputs: number;
    readonly inputsPerS: number;
    readonly growthBytes: number;
  }[];
}

/** A dear parser gets one input where a cheap one gets so many. */
const DEAR_SHARE = 100;

/** An input that takes longer than this is a hang, in milliseconds: thousands of times what the slowest one takes. */
const HANG_MS = 5_000;
/** Between two looks, in milliseconds. */
const LOOK_MS = 250;
/** What a thread may hold, in MiB: what is bounded needs a fraction of it. */
const HEAP_MAX_MB = 256;

/** How many inputs each parser gets. */
export function sharesOf(parsers: readonly Parser[], inputs: number): readonly number[] {
  const weights = parsers.map(({ dear }) => (dear === true ? 1 : DEAR_SHARE));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => Math.max(1, Math.ceil((inputs * weight) / total)));
}

/** Plays it. Rejects only where the machinery itself fails. */
export async function fuzz(plan: FuzzPlan): Promise<FuzzReport> {
  const chosen = PARSERS.map((parser, place) => ({ parser, place })).filter(({ parser }) =>
    parser.name.includes(plan.match ?? ""),
  );
  const counts = sharesOf(
    chosen.map(({ parser }) => parser),
    plan.inputs,
  );
  const crashes: Crash[] = [];
  const hangs: Hang[] = [];
  const byParser = new Map<string, { inputs: number; ms: number; growthBytes: number }>();
  let inputs = 0;

  const hear = (word: WorkerWord): void => {
    if (word.kind === "crash") crashes.push(word.crash);
    else if (word.kind === "progress") {
      inputs += word.inputs;
      plan.onProgress?.(inputs);
    } else if (word.kind === "parser") {
      const before = byParser.get(word.parser) ?? { inputs: 0, ms: 0, growthBytes: 0 };
      byParser.set(word.parser, {
        inputs: before.inputs + word.inputs,
        ms: before.ms + word.ms,
        growthBytes: Math.max(before.growthBytes, word.growthBytes),
      });
    }
  };

  const runThread = async (thread: number): Promise<void> => {
    // Each thread takes its part of every parser's inputs, one parser after another.
    let shares = chosen.map(({ place }, n) => {
      const count = counts[n] ?? 0;
      const [first, end] = [thread, thread + 1].map((at) => Math.floor((count * at) / plan.threads)) as [
        number,
        number,
      ];
      return { parser: place, first, count: end - first };
    });
    // After a hang or a lost thread the rest goes on in a new one, behind the input that did it.
    while (shares.length > 0) {
      const stopped = await runWorker({ seed: plan.seed, shares, where: new SharedArrayBuffer(12) }, hear);
      if (stopped === undefined) return;
      const { name = "" } = PARSERS[stopped.parser] ?? {};
      if (stopped.why === "hang") hangs.push({ parser: name, seed: plan.seed, input: stopped.input });
      else {
        const { why: message, input } = stopped;
        crashes.push({ parser: name, seed: plan.seed, input, message, bytes: "" });
      }
      const at = shares.findIndex(({ parser }) => parser === stopped.parser);
      const share = shares[at];
      if (share === undefined) return;
      const next = stopped.input + 1;
      shares = [{ ...share, first: next, count: share.first + share.count - next }, ...shares.slice(at + 1)];
      inputs += next - share.first;
    }
  };

  await Promise.all(Array.from({ length: plan.threads }, (_, thread) => runThread(thread)));
  return {
    inputs,
    parsers: chosen.length,
    crashes,
    hangs,
    heapGrowthMB: Math.max(0, ...[...byParser.values()].map(({ growthBytes }) => growthBytes)) / 1_048_576,
    byParser: [...byParser].map(([parser, { inputs: played, ms, growthBytes }]) => ({
      parser,
      inputs: played,
      inputsPerS: Math.round((played * 1000) / Math.max(1, ms)),
      growthBytes,
    })),
  };
}

interface Stopped {
  readonly parser: number;
  readonly input: number;
  /** `hang`, or what the thread ended with. */
  readonly why: string;
}

/** Runs a thread to its end; answers where it stopped when it did not come that far. */
function runWorker(orders: WorkerOrders, hear: (word: WorkerWord) => void): Promise<Stopped | undefined> {
  const cells = new Int32Array(orders.where);
  const worker = new Worker(new URL("worker.ts", import.meta.url), {
    workerData: orders,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MAX_MB },
    // None of what the runner of this has for its own threads; and what YAML warns of is no finding.
    execArgv: ["--no-warnings"],
  });
  return new Promise((resolve) => {
    let turns = -1;
    let movedAtMs = performance.now();
    let why: string | undefined;
    let done = false;
    const watch = setInterval(() => {
      const now = Atomics.load(cells, 2);
      if (now !== turns || Atomics.load(cells, 0) === 0) [turns, movedAtMs] = [now, performance.now()];
      if (performance.now() - movedAtMs < HANG_MS) return;
      why = "hang";
      void worker.terminate();
    }, LOOK_MS);
    worker.on("message", (word: WorkerWord) => {
      if (word.kind === "done") done = true;
      else hear(word);
    });
    worker.on("error", (error: Error) => {
      why ??= `${error.name}: ${error.message}`;
    });
    worker.on("exit", () => {
      clearInterval(watch);
      const [parser, input] = [Atomics.load(cells, 0) - 1, Atomics.load(cells, 1) - 1];
      resolve(done ? undefined : { parser, input, why: why ?? "the thread ended" });
    });
  });
}
