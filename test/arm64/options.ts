/** What the test is told on its command line. */
import { parseArgs } from "node:util";

/** The options. */
export interface Options {
  /** How often the box's power is cut. */
  readonly kills: number;
  readonly seed: number;
  /** No cut is made after so many minutes. */
  readonly minutesMax: number;
  readonly json: boolean;
  /** Keep the folder with consoles and disk. */
  readonly keep: boolean;
}

export const HELP = `Boots the built image on a virtual ARM64 box, updates it over the network from a coordinator on this machine, and cuts
its power at random instants of the updates. After each cut the box has to boot and its agent to ask the coordinator.

Usage: pnpm test:arm64 [--kills N] [--seed N] [--minutes N] [--json] [--keep]

Options:
  --kills N  how often the power is cut (default 50)
  --seed N   for the instants and for what each cut leaves of unsynced writes (default: chance; printed). It repeats
             the choices; what the box is doing at an instant depends on this machine as well
  --minutes N  make no cut after so many minutes (default 240)
  --json     print {"boots","workingAgents","updates","reverts","seed",…} and nothing else on standard output
  --keep     keep the folder with the consoles and the disk
  --help     print this, and exit

Needs root and, of Debian: qemu-system-arm, e2fsprogs, dpkg, apt. Without qemu it says so, and ends well.

Exit codes: 0 every boot brought a working agent, or skipped; 1 one did not; 2 the command line is wrong.

Example: pnpm test:arm64 --kills 5 --seed 7 --json
`;

/** Reads the options; "HELP" where they ask for help. Throws TypeError. */
export function readOptions(args: readonly string[]): Options | "HELP" {
  const { values } = parseArgs({
    args: args.filter((word) => word !== "--"),
    options: {
      kills: { type: "string", default: "50" },
      seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
      minutes: { type: "string", default: "240" },
      json: { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "HELP";
  const whole = (name: "kills" | "seed" | "minutes"): number => {
    const value = Number(values[name]);
    if (Number.isSafeInteger(value) && value >= 0) return value;
    throw new TypeError(`--${name} must be a whole number`);
  };
  return {
    kills: whole("kills"),
    seed: whole("seed"),
    minutesMax: whole("minutes"),
    json: values.json,
    keep: values.keep,
  };
}
