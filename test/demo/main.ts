/**
 * The demo as a process: `npm run demo`. Starts a real coordinator and a real fleet on this machine, moves releases
 * through it under traffic, and says what it measured. However it ends, it leaves no process and no file.
 */
import { judge, judgeForced } from "./figures.ts";
import { House } from "./harness/house.ts";
import { HELP, OptionError, type Options, readOptions } from "./options.ts";
import { Play } from "./play.ts";
import { forcedScenario, scenario } from "./scenario/steps.ts";
import { openStage } from "./stage.ts";
import { keepHints } from "./view/keep.ts";
import { createLiveView } from "./view/live.ts";
import { createPlainView } from "./view/plain.ts";
import { summarise } from "./view/summary.ts";
import type { View } from "./view/view.ts";

/** Exit code of a process that a signal ended, as shells count. */
const EXIT_INTERRUPTED = 130;
const EXIT_USAGE = 2;

type Say = (text: string) => void;

/** Ctrl-C, or another polite signal. */
class Interrupted extends Error {
  override readonly name = "Interrupted";
}

process.exitCode = await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<number> {
  const options = readOrExplain(words);
  if (options === undefined) return EXIT_USAGE;
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const end = new AbortController();
  const onSignal = (): void => end.abort(new Interrupted());
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  const house = await House.open();
  house.hopeless.addEventListener("abort", () => end.abort(house.hopeless.reason), { once: true });
  // With --json, standard output carries the one object and nothing else.
  const say: Say = (text) => void (options.json ? process.stderr : process.stdout).write(text);
  const view = createView(options, say);
  let result: Result = { exitCode: 1, json: undefined };
  try {
    result = await play(options, house, view, say, end.signal);
  } catch (error) {
    // A wait that is broken off by a signal rejects in its own words; the signal knows why.
    const why: unknown = end.signal.aborted ? end.signal.reason : error;
    view.close();
    if (why instanceof Interrupted) result = { exitCode: EXIT_INTERRUPTED, json: undefined };
    say(why instanceof Interrupted ? "\nstopped\n" : `\nThe demo failed: ${explain(why)}\n`);
  } finally {
    view.close();
    end.abort(new Interrupted());
    await house.close(options.logsTo);
  }
  if (options.json && result.json !== undefined) process.stdout.write(`${result.json}\n`);
  return result.exitCode;
}

interface Result {
  readonly exitCode: number;
  readonly json: string | undefined;
}

async function play(options: Options, house: House, view: View, say: Say, signal: AbortSignal): Promise<Result> {
  view.begin(0, 0, `Building four releases and starting the fleet, all in ${house.folder}`);
  const stage = await openStage({ house, nodes: options.nodes, seed: options.seed, view, signal });
  const steps = (options.forceCapacityGate ? forcedScenario : scenario)(stage.fleet.council);
  const show = new Play(stage, options.json ? "nobody" : "somebody");
  let failure: unknown;
  try {
    await show.perform(steps);
    if (!options.keep) await show.endTraffic();
  } catch (error) {
    if (signal.aborted) throw error;
    failure = error; // What was measured up to here is still worth telling.
  }
  const { figures, evidence } = show.measure();
  const claims = options.forceCapacityGate ? judgeForced(figures) : judge(figures, evidence);
  view.close();
  say(`${summarise(figures, claims, show.story).join("\n")}\n`);
  if (failure !== undefined) say(`The demo did not come to its end: ${explain(failure)}\n`);
  if (options.keep) {
    say(`${keepHints(stage.fleet).join("\n")}\n`);
    await aborted(signal);
  }
  const good = failure === undefined && claims.every(({ holds }) => holds);
  return { exitCode: good ? 0 : 1, json: JSON.stringify(figures) };
}

function createView(options: Options, say: Say): View {
  const colour = (process.env["NO_COLOR"] ?? "") === "";
  const live = process.stdout.isTTY && !options.json && process.env["TERM"] !== "dumb";
  return live
    ? createLiveView(process.stdout, colour)
    : createPlainView(
        (line) => say(`${line}\n`),
        () => performance.now(),
      );
}

function readOrExplain(words: readonly string[]): Options | undefined {
  try {
    return readOptions(words);
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    process.stderr.write(`${error.message}\n\n${HELP}`);
    return undefined;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function explain(error: unknown): string {
  return error instanceof Error
    ? `${error.message}${error.cause === undefined ? "" : ` (${explain(error.cause)})`}`
    : String(error);
}
