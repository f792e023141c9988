/**
 * The launcher: flashed, rarely changed, and the first to run. It picks the slot, counts the tries of a trial and falls
 * back; it becomes the agent or stays beside it. Its other commands become the workload, reset the device, or wake once.
 */
import { parseArgs } from "node:util";
import { EXIT_BUSY, EXIT_CONFIG, EXIT_FAILED, EXIT_STOPPED, EXIT_UNREACHABLE } from "../exit-codes.ts";
import { becomeAgent } from "./exec.ts";
import { resetByCommand } from "./reset-command.ts";
import { sayToStdout as say } from "./say.ts";
import { type Site, openSite } from "./site.ts";
import { stay } from "./stay.ts";
import { wakeOnce } from "./wake-once.ts";
import { becomeWork } from "./work.ts";

const HELP = `Starts the agent of the slot that the boot record names, and looks after it.

Usage:
  launcher.mjs --config FILE [--form auto|exec|stay]
  launcher.mjs work  --config FILE
  launcher.mjs once  --config FILE
  launcher.mjs reset --config FILE [--wipe-ownership]

Commands:
  (none)  runs the agent, for good
  work    becomes the workload that the agent wants, for a unit of the init system
  once    wakes once: asks, moves where that is permitted, and ends; for timers
  reset   factory reset: the factory's build boots next, moves and denials are forgotten

Options:
  --config FILE     the device's configuration (YAML)
  --form FORM       exec: become the agent, under an init system that watches it; stay: supervise it;
                    auto (default): exec where the environment has NOTIFY_SOCKET, else stay
  --wipe-ownership  reset: the device's key goes too, and its enrolment token counts no more
  -o, --output FORM reset: text (default) or json
  --help            print this, and exit

Exit codes: ${EXIT_STOPPED} stopped as told, or nothing more to do; ${EXIT_FAILED} failed; ${EXIT_UNREACHABLE} once: no coordinator answered;
${EXIT_BUSY} once: an agent runs already; ${EXIT_CONFIG} the command line cannot be used.

Example: factory/runtime/node launcher/launcher.mjs --config device.yaml
`;

/** The command line cannot be used. */
class UsageError extends Error {
  override readonly name = "UsageError";
}

interface Options {
  readonly form: string;
  readonly wipe: boolean;
  readonly json: boolean;
}

type Run = (site: Site, options: Options) => Promise<number>;

const COMMANDS: Readonly<Record<string, Run>> = {
  "": (site, { form }) => (becomes(form, site.env) ? becomeAgent(site) : stay(site, false)),
  work: becomeWork,
  once: wakeOnce,
  reset: (site, { wipe, json }) => resetByCommand(site, wipe ? "wipe" : "reset", json),
};

function becomes(form: string, env: Site["env"]): boolean {
  if (form === "auto") return (env["NOTIFY_SOCKET"] ?? "") !== "";
  if (form === "exec" || form === "stay") return form === "exec";
  throw new UsageError("--form is auto, exec or stay");
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      config: { type: "string" },
      form: { type: "string", default: "auto" },
      "wipe-ownership": { type: "boolean", default: false },
      output: { type: "string", short: "o", default: "text" },
      help: { type: "boolean" },
    },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return EXIT_STOPPED;
  }
  const [name = "", ...more] = positionals;
  const run = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (run === undefined || more.length > 0) throw new UsageError(`there is no command ${positionals.join(" ")}`);
  if (values.config === undefined) throw new UsageError("`--config FILE` is missing");
  const site = await openSite(values.config, process.env, say);
  return run(site, { form: values.form, wipe: values["wipe-ownership"], json: values.output === "json" });
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const usage =
      error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS") === true;
    say("error", error instanceof Error ? ((usage ? undefined : error.stack) ?? error.message) : String(error));
    process.exit(usage ? EXIT_CONFIG : EXIT_FAILED);
  },
);
