/**
 * Fuzzes every parser that sees bytes from outside. Exit codes: 0 no crash and no hang, 1 there was one, 2 wrong usage.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";
import { PARSERS } from "./registry.ts";
import { inputOf, samplesOf, tryInput } from "./round.ts";

const HELP = `Usage: pnpm fuzz [--inputs N] [--seed S] [--threads N] [--parser TEXT] [--only N] [--json]

Gives ${PARSERS.length} parsers random bytes and damaged valid inputs. Each may refuse in its own words, and do nothing else.

  --inputs N      how many in all; default 200000, and 10000000 under MOULT_DEEP=1
  --seed S        0 to 4294967295; without it, of the clock. The same seed makes the same inputs
  --threads N     1 to 16; default all cores
  --parser TEXT   only parsers whose name holds the text
  --only N        plays input N alone and shows it; with --seed and --parser, replays what was found
  --json          prints {inputs, parsers, crashes, hangs, heapGrowthMB, seed, seconds, inputsPerS, failures, byParser}
  --help          this text

Exit codes: 0 no crash and no hang, 1 there was one, 2 wrong usage.

Example:
  pnpm fuzz --inputs 1000000 --json
`;

/** Wrong options. */
class UsageError extends Error {}

function whole(text: string, option: string, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= max) return value;
  throw new UsageError(`${option} takes a whole number up to ${max}.`);
}

function options(): {
  readonly inputs: number;
  readonly seed: number;
  readonly threads: number;
  readonly match: string;
  readonly only: number | undefined;
  readonly json: boolean;
  readonly help: boolean;
} {
  const { values } = parseArgs({
    options: {
      inputs: { type: "string", default: process.env["MOULT_DEEP"] === "1" ? "10000000" : "200000" },
      seed: { type: "string", default: String(Date.now() % 2 ** 32) },
      threads: { type: "string", default: String(Math.min(16, availableParallelism())) },
      parser: { type: "string", default: "" },
      only: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const { parser: match, json, help } = values;
  if (!PARSERS.some(({ name }) => name.includes(match))) throw new UsageError(`No parser is named "${match}".`);
  return {
    match,
    json,
    help,
    inputs: whole(values.inputs, "--inputs", 1e12),
    seed: whole(values.seed, "--seed", 2 ** 32 - 1),
    threads: Math.max(1, whole(values.threads, "--threads", 16)),
    only: values.only === undefined ? undefined : whole(values.only, "--only", 1e12),
  };
}

async function replay(match: string, seed: number, input: number): Promise<void> {
  for (const parser of PARSERS.filter(({ name }) => name.includes(match))) {
    const samples = samplesOf(parser);
    const bytes = Buffer.from(inputOf(parser, samples, seed, input));
    process.stdout.write(`${parser.name}: ${bytes.length} bytes: ${JSON.stringify(bytes.toString("latin1"))}\n`);
    const crash = await tryInput(parser, samples, seed, input);
    process.stdout.write(`${crash === undefined ? "read or refused" : crash.message}\n`);
    if (crash !== undefined) process.exitCode = 1;
  }
}

async function main(): Promise<void> {
  const { inputs, seed, threads, match, only, json, help } = options();
  if (help) return void process.stdout.write(HELP);
  if (only !== undefined) return replay(match, seed, only);
  process.stderr.write(`seed ${seed}\n`);
  const beganMs = performance.now();
  let toldAtMs = beganMs;
  const report = await fuzz({
    inputs,
    seed,
    threads,
    match,
    onProgress(played) {
      if (performance.now() - toldAtMs < 5_000) return;
      toldAtMs = performance.now();
      process.stderr.write(`${played} of ${inputs} inputs\n`);
    },
  });
  const seconds = (performance.now() - beganMs) / 1000;
  const failures = [
    ...report.crashes.map((crash) => ({ kind: "crash", ...crash })),
    ...report.hangs.map((hang) => ({ kind: "hang", message: "it was not done in time", ...hang })),
  ];
  for (const { kind, parser, input, message } of failures) {
    process.stderr.write(`${kind} of "${parser}", replay with --seed ${seed} --parser "${parser}" --only ${input}\n`);
    process.stderr.write(`  ${message.split("\n").slice(0, 4).join("\n  ")}\n`);
  }
  const heapGrowthMB = Math.round(report.heapGrowthMB * 100) / 100;
  const counts = { crashes: report.crashes.length, hangs: report.hangs.length, heapGrowthMB };
  const pace = { seconds: Math.round(seconds), inputsPerS: Math.round(report.inputs / seconds) };
  const facts = { inputs: report.inputs, parsers: report.parsers, ...counts, seed, ...pace, failures };
  const line = `${facts.inputs} inputs, ${facts.parsers} parsers: ${counts.crashes} crashes, ${counts.hangs} hangs, heap grew by ${heapGrowthMB} MiB, ${pace.inputsPerS} inputs/s`;
  process.stdout.write(json ? `${JSON.stringify({ ...facts, byParser: report.byParser })}\n` : `${line}\n`);
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
