/** `pnpm simulate`: reads options, runs the scoreboard, prints it. The only place that touches the terminal and the clock. */
import { writeFileSync } from "node:fs";
import type { Policy } from "../engine/controller.ts";
import { UnknownPolicy } from "../policies/index.ts";
import { runScoreboard } from "../score/scoreboard.ts";
import { TraceError } from "../world/trace.ts";
import { HELP, type Request, UsageError, readArguments } from "./arguments.ts";
import { recordSeries, svgOf } from "./plot.ts";
import { Progress } from "./progress.ts";
import { tableOf, worldJson } from "./table.ts";

async function run(request: Request): Promise<void> {
  const { worlds, policies } = request;
  const progress = new Progress(process.stderr, () => performance.now());
  const runs = worlds.length * policies.length;
  const board = await runScoreboard(worlds, policies, {
    threads: request.threads,
    watch: ({ policy, world, share }) => {
      const index = policies.findIndex((candidate) => candidate.name === policy);
      const done = world * policies.length + Math.max(0, index) + (index < 0 ? 0 : share);
      progress.show(`world ${world + 1} of ${worlds.length}, ${policy}`, done / runs);
    },
  });
  progress.clear();
  if (request.json) process.stdout.write(`${JSON.stringify({ world: worldJson(worlds), ...board })}\n`);
  else process.stdout.write(tableOf(worlds, board));
  const [world] = worlds;
  const policy = plotted(policies);
  if (request.plotFile !== undefined && world !== undefined && policy !== undefined) {
    writeFileSync(request.plotFile, svgOf(recordSeries(policy, world)));
  }
}

/** The policy whose history is drawn: the product's where it is among them. */
function plotted(policies: readonly Policy[]): Policy | undefined {
  return policies.find((policy) => policy.name === "moult") ?? policies[0];
}

/** Wrong arguments end with 2. */
const EXIT_USAGE = 2;

try {
  const request = readArguments(process.argv.slice(2));
  if (request.help) process.stdout.write(HELP);
  else await run(request);
} catch (error) {
  if (!(error instanceof UsageError || error instanceof TraceError || error instanceof UnknownPolicy)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = EXIT_USAGE;
}
