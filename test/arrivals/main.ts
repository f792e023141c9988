/** `pnpm bench:arrivals`: whether a fleet that restarts, or loses its coordinator, arrives uniformly afterwards. */
import { parseArgs } from "node:util";
import { SCENARIOS, rollOf, streamPeakPerS } from "./scenarios.ts";

const HELP = `Plays fleets of the agent's own scheduling code and holds their arrivals against uniform by χ².

Usage: pnpm bench:arrivals [--json] [--seeds N] [--agents N]

Options:
  --seeds N    how many fleets of each kind; 1 to 10,000 (100)
  --agents N   devices in each; 1,000 to 1,000,000 (10000)
  --json       print one line of JSON: {seeds, agents, uniform, pMin, scenarios, streamPeakPerS}
  --help       print this, and exit

uniform is the number of seeds for which p > 0.001 in the scenario that did worst. Exit codes: 0 at least 99 of 100 are,
1 fewer, 2 the command line is wrong.

Example: pnpm bench:arrivals --json
`;

/** Chance alone makes one fleet in a thousand fall below this. */
const P_MIN = 0.001;
const SHARE_MIN = 0.99;

function main(): number {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean" },
      help: { type: "boolean" },
      seeds: { type: "string", default: "100" },
      agents: { type: "string", default: "10000" },
    },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const seeds = within(values.seeds, 1, 10_000);
  const agents = within(values.agents, 1_000, 1_000_000);
  if (seeds === undefined || agents === undefined) {
    process.stderr.write(`A number is out of range.\n\n${HELP}`);
    return 2;
  }
  const scenarios = Object.fromEntries(
    Object.entries(SCENARIOS).map(([name, play]) => {
      const ps = Array.from({ length: seeds }, (_, seed) => play(agents, rollOf(seed + 1)));
      return [name, { uniform: ps.filter((p) => p > P_MIN).length, pMin: Math.min(...ps) }];
    }),
  );
  const uniform = Math.min(...Object.values(scenarios).map((scenario) => scenario.uniform));
  const pMin = Math.min(...Object.values(scenarios).map((scenario) => scenario.pMin));
  const peak = { s2: streamPeakPerS(agents, 2_000, rollOf(1)), s60: streamPeakPerS(agents, 60_000, rollOf(1)) };
  const figures = { seeds, agents, uniform, pMin, scenarios, streamPeakPerS: peak };
  if (values.json === true) process.stdout.write(`${JSON.stringify(figures)}\n`);
  else {
    for (const [name, { uniform: fine, pMin: least }] of Object.entries(scenarios)) {
      process.stdout.write(`${name.padEnd(18)} ${fine} of ${seeds} uniform, least p ${least.toPrecision(3)}\n`);
    }
    process.stdout.write(
      `streams a second at most: ${peak.s2} after 2 s, ${peak.s60} after 60 s without a coordinator\n`,
    );
  }
  return uniform >= SHARE_MIN * seeds ? 0 : 1;
}

function within(text: string, min: number, max: number): number | undefined {
  const value = Number(text);
  return Number.isInteger(value) && value >= min && value <= max ? value : undefined;
}

process.exitCode = main();
