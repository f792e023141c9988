/** Asks before what is dangerous, where somebody is there to answer. Elsewhere the command line is the answer. */
import { CliError } from "../errors.ts";
import type { Ports } from "../ports.ts";

/** Returns once the danger was accepted; throws CANCELLED where it was not. Never waits where nobody can answer. */
export async function confirmDanger(ports: Ports, yes: boolean, question: string): Promise<void> {
  if (yes || !ports.stdinIsTTY || !ports.stderr.isTTY) return;
  if (await ports.confirm(question)) return;
  throw new CliError("CANCELLED", "nothing was changed");
}
