/** What the bench of the audit log may be told. */
import { parseArgs } from "node:util";

export const HELP = `Measures the audit log: keeping it, proving a leaf, and verifying all of it from outside.

Usage: pnpm bench:audit [--leaves N] [--json]

Appends N leaves to a coordinator's store, has the sequencer place and sign them, serves them over HTTPS, and runs
\`moult audit verify\` against that as a process of its own.

Options:
  --leaves N   leaves; 1 to 10,000,000, default 1,000,000
  --json       print one JSON object: {leaves, appendS, sequenceS, verifyS, verifyProcessS, verifyCpuS,
               inclusionProofMs, inclusionProofMsP99, inclusionProofMsMax, entryBytes, storeBytes}
               Seconds, milliseconds, bytes. verifyS is by the command's own clock, without its start; verifyCpuS is
               processor time. A proof is made from the store and checked, 1,000 times; inclusionProofMs is the median.
  --help       print this, and exit

Exit codes: 0 measured, 1 failed, 2 the command line is wrong.

Example: pnpm bench:audit --leaves 100000 --json
`;

/** The options. */
export interface BenchOptions {
  readonly leaves: number;
  readonly json: boolean;
  readonly help: boolean;
}

const LEAVES_MAX = 10_000_000;

/** Reads them. Throws TypeError where they are wrong. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      leaves: { type: "string", default: "1000000" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const leaves = Number(values.leaves);
  if (!Number.isSafeInteger(leaves) || leaves < 1 || leaves > LEAVES_MAX) {
    throw new TypeError(`--leaves: "${values.leaves}" is not a whole number of 1 to ${LEAVES_MAX}`);
  }
  return { leaves, json: values.json, help: values.help };
}
