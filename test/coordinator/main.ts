/** `pnpm test:coordinator`: blows to coordinators at work, and the checker after each. `--help` says how. */
import { HELP, OptionError, type Options, readOptions } from "./options.ts";
import { BLOWS } from "./rounds/index.ts";
import { rowsOf } from "./rounds/report.ts";
import { Player, type Round, Unplayable, schedule } from "./rounds/run.ts";

async function run({ json, rounds, seed, kind }: Options): Promise<number> {
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const blows = BLOWS.filter((blow) => kind === undefined || blow.kind === kind);
  const player = new Player(seed);
  const played: Round[] = [];
  const skipped = new Set<string>();
  let failed = 0;
  try {
    for (const [n, blow] of schedule(blows, rounds, seed).entries()) {
      if (skipped.has(blow.stage)) continue;
      try {
        const round = await player.play(blow, n);
        played.push(round);
        say(
          `${n} ${blow.stage} ${blow.kind}: ${round.acknowledged} acknowledged, silent ${round.silenceMs} ms at most`,
        );
        for (const { rule, text } of round.faults) say(`  ${rule}: ${text}`);
        if (round.faults.length > 0) break;
      } catch (error) {
        if (!(error instanceof Unplayable)) throw error;
        skipped.add(blow.stage);
        say(`${blow.stage}: ${error.message}`);
      }
    }
  } catch (error) {
    failed = 1;
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    await player.stop();
  }
  const rows = rowsOf(played);
  const report = { seed, rounds: played.length, failed, skipped: [...skipped], rows };
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
  return failed === 0 && played.every(({ faults }) => faults.length === 0) ? 0 : 1;
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
