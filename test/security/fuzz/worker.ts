/** A thread that plays its share of the inputs, and says all the time where it is, so that a hang can be found and named. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { parentPort, workerData } from "node:worker_threads";
import { PARSERS } from "./registry.ts";
import { type Crash, samplesOf, tryInput } from "./round.ts";

/** What a thread is told. */
export interface WorkerOrders {
  readonly seed: number;
  /** For each parser, by its place in the registry: the first input, and how many. */
  readonly shares: readonly { readonly parser: number; readonly first: number; readonly count: number }[];
  /** Two words: which parser, and which input, each plus one; then how often it moved on. */
  readonly where: SharedArrayBuffer;
}

/** What a thread tells. */
export type WorkerWord =
  | { readonly kind: "crash"; readonly crash: Crash }
  | {
      readonly kind: "parser";
      readonly parser: string;
      readonly inputs: number;
      readonly ms: number;
      readonly growthBytes: number;
    }
  | { readonly kind: "progress"; readonly inputs: number }
  | { readonly kind: "done" };

/** Told of one parser; more are as bad, and flood. */
const CRASHES_MAX = 20;
/** Between two words of progress, in inputs. */
const PROGRESS_INPUTS = 20_000;
/** Before memory is looked at: what is made once is made by then. */
const WARM_INPUTS = 200;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** What is kept. Node lets go of buffers a turn of the loop after the collector has found them. */
async function heapBytes(): Promise<number> {
  for (let turns = 0; turns < 3; turns += 1) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function work({ seed, shares, where }: WorkerOrders): Promise<void> {
  const cells = new Int32Array(where);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  const say = (word: WorkerWord): void => parentPort?.postMessage(word);
  for (const { parser: place, first, count } of shares) {
    const parser = PARSERS[place];
    if (parser === undefined) continue;
    const samples = samplesOf(parser);
    let crashes = 0;
    let beforeBytes = 0;
    const beganMs = performance.now();
    Atomics.store(cells, 0, place + 1);
    for (let n = 0; n < count; n += 1) {
      if (n === Math.min(WARM_INPUTS, count - 1)) beforeBytes = await heapBytes();
      Atomics.store(cells, 1, first + n + 1);
      Atomics.add(cells, 2, 1);
      const crash = await tryInput(parser, samples, seed, first + n);
      if (crash !== undefined && (crashes += 1) <= CRASHES_MAX) say({ kind: "crash", crash });
      if ((n + 1) % PROGRESS_INPUTS === 0) say({ kind: "progress", inputs: PROGRESS_INPUTS });
    }
    const ms = performance.now() - beganMs;
    say({ kind: "progress", inputs: count % PROGRESS_INPUTS });
    say({ kind: "parser", parser: parser.name, inputs: count, ms, growthBytes: (await heapBytes()) - beforeBytes });
  }
  Atomics.store(cells, 0, 0);
  say({ kind: "done" });
}

await work(workerData as WorkerOrders);
