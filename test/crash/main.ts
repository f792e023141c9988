/** `pnpm test:crash`: cuts the power at every disk operation of a device's updates. `--help` says how. */
import { Progress } from "@moult/simulation";
import { MUTANTS } from "./mutants/index.ts";
import { HELP, OptionError, type Options, readOptions } from "./options.ts";
import { describe, isGood, reportOf } from "./report.ts";
import { cutAll, findOut, recordAll } from "./run.ts";

/** Of the whole time the mutants take about this share; for the progress bar alone. */
const MUTANTS_SHARE = 0.1;

async function run({ json, bounds, scenarios, mutants }: Options): Promise<number> {
  const progress = new Progress(json ? { write: () => undefined } : process.stderr, () => performance.now());
  const recorded = await recordAll();
  const tally = await cutAll(recorded, scenarios, bounds, (name, share) =>
    progress.show(name, share * (mutants ? 1 - MUTANTS_SHARE : 1)),
  );
  const survivors: string[] = [];
  const wanted = mutants ? MUTANTS : [];
  for (const [index, mutant] of wanted.entries()) {
    progress.show(`mutant: ${mutant.name}`, 1 - MUTANTS_SHARE * (1 - index / wanted.length));
    if ((await findOut(mutant, recorded, bounds.seed)) === undefined) survivors.push(mutant.name);
  }
  progress.clear();
  for (const finding of tally.findings) process.stderr.write(describe(finding, bounds.seed));
  for (const name of survivors) process.stderr.write(`a mutant was not caught: ${name}\n`);
  const report = reportOf(tally, wanted.length, survivors, bounds.seed);
  const text = Object.entries(report).map(([name, value]) => `${name.padEnd(14)} ${value}`);
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : `${text.join("\n")}\n`);
  return isGood(report) ? 0 : 1;
}

async function main(): Promise<number> {
  try {
    const options = readOptions(process.argv.slice(2));
    if (!options.help) return await run(options);
    process.stdout.write(HELP);
    return 0;
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    process.stderr.write(`${error.message}\n\n${HELP}`);
    return 2;
  }
}

process.exitCode = await main();
