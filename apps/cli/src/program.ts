/** The whole command as a tree of verbs over ports. Nothing here does anything until arguments are parsed. */
import { Command } from "commander";
import { addAuditVerbs } from "./commands/audit.ts";
import { addBrakeVerbs } from "./commands/brake.ts";
import { addCoordinatorVerbs } from "./commands/coordinator.ts";
import { addDialVerbs } from "./commands/dial.ts";
import { addEventVerbs } from "./commands/event.ts";
import { addFleetVerbs } from "./commands/fleet.ts";
import { addKeyVerbs } from "./commands/key.ts";
import { addMetadataVerbs } from "./commands/metadata.ts";
import { addNodeVerbs } from "./commands/node.ts";
import { addNudge } from "./commands/nudge.ts";
import { addOperatorVerbs } from "./commands/operator.ts";
import { addOverrideVerbs } from "./commands/override.ts";
import { addReleaseVerbs } from "./commands/release.ts";
import { addRootVerbs } from "./commands/root.ts";
import { addSimulate } from "./commands/simulate.ts";
import { addTokenVerbs } from "./commands/token.ts";
import { addWitnessVerbs } from "./commands/witness.ts";
import { exitCodeHelp } from "./exit-codes.ts";
import type { Ports } from "./ports.ts";

/** The `moult` command. Its errors are thrown, never exits. */
export function createProgram(ports: Ports): Command {
  const program = new Command("moult")
    .description("Moves the software of a fleet nobody owns: build, sign and publish releases, and watch them travel.")
    .addHelpText("after", () => `\nExample:\n  $ moult fleet get --state-dir ./state\n\n${exitCodeHelp()}`)
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: ports.stdout.write,
      writeErr: ports.stderr.write,
      getOutHelpWidth: () => ports.stdout.columns,
      getErrHelpWidth: () => ports.stderr.columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      outputError: (text, write) => write(text.replace(/^error: /, "moult: ")),
    })
    .showHelpAfterError("  Add --help to see how it is used.");
  addKeyVerbs(program, ports);
  addRootVerbs(program, ports);
  addReleaseVerbs(program, ports);
  addMetadataVerbs(program, ports);
  addDialVerbs(program, ports);
  addNudge(program, ports);
  addOverrideVerbs(program, ports);
  addBrakeVerbs(program, ports);
  addFleetVerbs(program, ports);
  addCoordinatorVerbs(program, ports);
  addNodeVerbs(program, ports);
  addEventVerbs(program, ports);
  addTokenVerbs(program, ports);
  addOperatorVerbs(program, ports);
  addAuditVerbs(program, ports);
  addWitnessVerbs(program, ports);
  addSimulate(program, ports);
  return program;
}
