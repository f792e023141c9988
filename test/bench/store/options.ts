/** The command line of `pnpm bench:store`. */
import { parseArgs } from "node:util";

/** What it prints with `--help`. */
export const HELP = `Measures the store's two engines, and prints a row of JSON for each case.

Usage: pnpm bench:store [--engine sqlite|postgres]... [--nodes N] [--seconds N] [--start-nodes N]

Cases:
  batches      commits batches of 1, 50 and 500 asks one after another, each durable before the next: 80 % plain asks, 10 %
               permits, 10 % returns. perS are asks a second, p50Ms and p99Ms of a commit, cpuUsPerAsk of this process alone,
               pauseMsMax the longest pause of its event loop
  cold-start   opens a store and loads everything: openS, loadS, cpuS of this process, and rssMB after it

Options:
  --engine NAME     may be given twice; default: both
  --nodes N         enrolled nodes for the batches, default 100000
  --seconds N       for each batch size, default 10
  --start-nodes N   nodes for the cold start, default 1000000
  --help            print this, and exit

PostgreSQL runs from the system's binaries on a temporary folder, with fsync on. Exit codes: 0 done, 1 failed.

Example: pnpm bench:store --engine sqlite --nodes 10000 --seconds 2 --start-nodes 10000
`;

/** What was asked for. */
export interface Options {
  readonly engines: readonly string[];
  readonly nodes: number;
  readonly seconds: number;
  readonly startNodes: number;
  readonly help: boolean;
}

/** Reads the command line. Throws where it is wrong. */
export function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      engine: { type: "string", multiple: true, default: ["sqlite", "postgres"] },
      nodes: { type: "string", default: "100000" },
      seconds: { type: "string", default: "10" },
      "start-nodes": { type: "string", default: "1000000" },
      help: { type: "boolean", default: false },
    },
  });
  const unknown = values.engine.find((name) => name !== "sqlite" && name !== "postgres");
  if (unknown !== undefined) throw new Error(`--engine is sqlite or postgres, not ${unknown}`);
  const number = (name: string, text: string): number => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} is a whole number from 1, not ${text}`);
    return value;
  };
  return {
    engines: values.engine,
    nodes: number("nodes", values.nodes),
    seconds: number("seconds", values.seconds),
    startNodes: number("start-nodes", values["start-nodes"]),
    help: values.help,
  };
}
