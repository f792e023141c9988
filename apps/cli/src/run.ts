/** One run of the command: arguments in, exit code out, errors as sentences on stderr. */
import { FAILURES } from "./exit-codes.ts";
import { failureOf } from "./failure.ts";
import { styleFor } from "./output/style.ts";
import type { Ports } from "./ports.ts";
import { createProgram } from "./program.ts";

/** Runs `moult` with `args` (without the names of runtime and script). Never throws. */
export async function run(args: readonly string[], ports: Ports): Promise<number> {
  try {
    await createProgram(ports).parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined) return 0;
    const [first, ...others] = failure.lines;
    const style = styleFor(ports.stderr, ports.env);
    if (first !== undefined) ports.stderr.write(`${style("moult:", "bad")} ${first}\n`);
    for (const line of others) ports.stderr.write(`  ${line}\n`);
    if ((ports.env["MOULT_DEBUG"] ?? "") !== "" && error instanceof Error) ports.stderr.write(`${error.stack}\n`);
    return FAILURES[failure.kind].exitCode;
  }
}
