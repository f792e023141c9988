/**
 * Plays every attack of the design's list against real programs, and each again against programs that lack the defence.
 * Exit codes: 0 everything held and every mutant was caught, 1 something did not, 2 wrong usage.
 */
import { parseArgs } from "node:util";
import { FAMILIES } from "./attacks.ts";
import type { Attack } from "./harness/attack.ts";
import { complaint, play } from "./harness/play.ts";

const HELP = `Usage: pnpm test:security [--family NAME]... [--match TEXT] [--no-mutants] [--jobs N] [--json]

Attacks real coordinators, devices and auditors over their sockets and disks; then, to show that the attacks can succeed,
the same programs with one defence taken out.

  --family NAME   ${Object.keys(FAMILIES).join(", ")}; all without it
  --match TEXT    only attacks whose name or row holds the text
  --no-mutants    attacks only
  --jobs N        so many at a time, 1 to 8; default 2
  --json          prints {attacks, held, mutants, mutantsCaught, skipped, failures: [{family, row, name, mutant, message}]}
  --help          this text

Exit codes: 0 everything held and every mutant was caught, 1 something did not, 2 wrong usage.

Example:
  pnpm test:security --family enrolment --json
`;

/** Wrong options. */
class UsageError extends Error {}

interface Failure {
  readonly family: string;
  readonly row: string;
  readonly name: string;
  /** The defence that was taken out; null where nothing was. */
  readonly mutant: string | null;
  readonly message: string;
}

interface Job {
  readonly label: string;
  /** Resolves with what went wrong; undefined where all is well. */
  readonly run: () => Promise<string | undefined>;
  readonly failure: Omit<Failure, "message">;
}

const JOBS_MAX = 8;

async function messageOf(run: Promise<void>): Promise<string | undefined> {
  try {
    await run;
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function jobsOf(family: string, attack: Attack, withMutants: boolean): readonly Job[] {
  const { row, name, mutants = [] } = attack;
  const whole: Job = {
    label: name,
    run: () => messageOf(play(attack)),
    failure: { family, row, name, mutant: null },
  };
  if (!withMutants) return [whole];
  return [
    whole,
    ...mutants.map((mutant): Job => ({
      label: `notices where it is not so that ${mutant.defence}`,
      failure: { family, row, name, mutant: mutant.defence },
      async run() {
        const said = await complaint(attack, mutant);
        if (mutant.caught.test(said)) return undefined;
        return said === "" ? "the attack noticed nothing" : `it failed for another reason: ${said}`;
      },
    })),
  ];
}

async function playAll(jobs: readonly Job[], at: number): Promise<readonly Failure[]> {
  const failures: Failure[] = [];
  const waiting = [...jobs];
  const work = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const beganMs = performance.now();
      const message = await job.run();
      const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
      process.stderr.write(`${message === undefined ? "held" : "FAILED"} ${seconds} s  ${job.label}\n`);
      if (message === undefined) continue;
      process.stderr.write(`  ${message}\n`);
      failures.push({ ...job.failure, message });
    }
  };
  await Promise.all(Array.from({ length: at }, work));
  return failures;
}

function readOptions(): {
  readonly families: readonly string[];
  readonly match: string;
  readonly mutants: boolean;
  readonly jobs: number;
  readonly json: boolean;
  readonly help: boolean;
} {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      family: { type: "string", multiple: true },
      match: { type: "string", default: "" },
      mutants: { type: "boolean", default: true },
      jobs: { type: "string", default: "2" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const { family: families = Object.keys(FAMILIES), match, mutants, json, help } = values;
  const unknown = families.find((name) => !Object.hasOwn(FAMILIES, name));
  if (unknown !== undefined) throw new UsageError(`There is no family ${unknown}.`);
  const jobs = Number(values.jobs);
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > JOBS_MAX) throw new UsageError(`--jobs takes 1 to ${JOBS_MAX}.`);
  return { families, match, mutants, jobs, json, help };
}

async function main(): Promise<void> {
  const { families, match, mutants, jobs, json, help } = readOptions();
  if (help) return void process.stdout.write(HELP);
  const chosen = families.flatMap((family) =>
    (FAMILIES[family] ?? [])
      .filter(({ name, row }) => name.includes(match) || row.includes(match))
      .map((attack) => ({ family, attack })),
  );
  const playable = chosen.filter(({ attack }) => attack.missing === undefined);
  for (const { attack } of chosen)
    if (attack.missing !== undefined) process.stderr.write(`skipped  ${attack.name} (${attack.missing})\n`);
  const all = playable.flatMap(({ family, attack }) => jobsOf(family, attack, mutants));
  const failures = await playAll(all, jobs);
  const count = (wanted: boolean): readonly [number, number] => {
    const total = all.filter(({ failure }) => (failure.mutant !== null) === wanted).length;
    return [total, total - failures.filter(({ mutant }) => (mutant !== null) === wanted).length];
  };
  const [[attacks, held], [mutantCount, mutantsCaught]] = [count(false), count(true)];
  const report = {
    attacks,
    held,
    mutants: mutantCount,
    mutantsCaught,
    skipped: chosen.length - playable.length,
    failures,
  };
  const line = `${held} of ${attacks} attacks held, ${mutantsCaught} of ${mutantCount} mutants caught`;
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : `${line}\n`);
  if (failures.length > 0) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  const usage = error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS");
  if (usage !== true) throw error;
  process.stderr.write(`${(error as Error).message}\n${HELP}`);
  process.exitCode = 2;
}
