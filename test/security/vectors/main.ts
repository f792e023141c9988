/**
 * Runs public test vectors through the code that devices run. Exit codes: 0 all passed, 1 some failed, 2 a file that is no
 * vectors, or wrong usage.
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { FAMILIES } from "./families.ts";
import type { VectorResult } from "./family.ts";

const HELP = `Usage: pnpm vectors FILE... [--json]

Runs test vectors: ${FAMILIES.map((f) => f.name).join(", ")}.
  --json    prints [{file, family, passed, failed, skipped, failures: [{id, comment}]}]
  --help    this text

Exit codes: 0 all passed, 1 some failed, 2 a file that is no vectors, or wrong usage.

Example:
  pnpm vectors ed25519_test.json --json
`;

/** A file that holds no vectors of a known family, or a call without files. */
class UsageError extends Error {}

interface Report {
  readonly file: string;
  readonly family: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly { readonly id: string; readonly comment: string }[];
}

async function reportOn(file: string): Promise<Report> {
  const document = await readDocument(file);
  for (const { name, run } of FAMILIES) {
    const results = run(document);
    if (results === undefined) continue;
    const count = (outcome: VectorResult["outcome"]): number => results.filter((r) => r.outcome === outcome).length;
    const failures = results.filter((r) => r.outcome === "failed").map(({ id, comment }) => ({ id, comment }));
    return {
      file,
      family: name,
      passed: count("passed"),
      failed: count("failed"),
      skipped: count("skipped"),
      failures,
    };
  }
  throw new UsageError(`${file} holds no vectors of ${FAMILIES.map((f) => f.name).join(" or ")}.`);
}

async function readDocument(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as unknown;
  } catch (error) {
    throw new UsageError(`${file} cannot be read as JSON.`, { cause: error });
  }
}

function lines({ file, family, passed, failed, skipped, failures }: Report): string {
  const head = `${file}: ${family}: ${passed} passed, ${failed} failed, ${skipped} skipped\n`;
  return head + failures.map((f) => `  ${f.id}: ${f.comment}\n`).join("");
}

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: "boolean" }, help: { type: "boolean" } },
  });
  if (values.help === true) process.stdout.write(HELP);
  else {
    if (positionals.length === 0) throw new UsageError("Name at least one file.");
    const reports = await Promise.all(positionals.map(reportOn));
    process.stdout.write(values.json === true ? `${JSON.stringify(reports)}\n` : reports.map(lines).join(""));
    if (reports.some((report) => report.failed > 0)) process.exitCode = 1;
  }
} catch (error) {
  if (!(error instanceof UsageError) && !(error instanceof TypeError)) throw error;
  process.stderr.write(`${error.message}\n${HELP}`);
  process.exitCode = 2;
}
