/**
 * The TUF client on the command line, with the interface that the public tuf-conformance suite expects. The session is the
 * one that devices run, in plain TUF. Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { Refresh } from "@moult/trust/tuf";
import { download, findTarget } from "./download.ts";
import { folderStore, initFolder } from "./folder-store.ts";
import { httpSource } from "./http-source.ts";
import { OPEN } from "./open-dialect.ts";

const HELP = `Usage: tuf-client [options] init ROOT | refresh | download

  --metadata-dir DIR      where trusted metadata is kept
  --metadata-url URL      where the repository's metadata is (refresh, download)
  --target-name PATH      the target to download
  --target-base-url URL   where the repository's targets are (download)
  --target-dir DIR        where downloaded targets are kept (download)
  --help                  this text

Exit codes: 0 done, 1 refused or failed, 2 wrong usage.

Example:
  tuf-client --metadata-dir /tmp/m init root.json
  tuf-client --metadata-dir /tmp/m --metadata-url http://localhost:8080/metadata refresh
`;

/** A call that cannot be carried out as it stands. */
class UsageError extends Error {}

const TEXT = { type: "string" } as const;

function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      help: { type: "boolean" },
      "metadata-dir": TEXT,
      "metadata-url": TEXT,
      "target-name": TEXT,
      "target-base-url": TEXT,
      "target-dir": TEXT,
    },
  });
  const need = (name: Exclude<keyof typeof values, "help">): string => {
    const value = values[name];
    if (value === undefined) throw new UsageError(`--${name} is missing`);
    return value;
  };
  return { help: values.help === true, need, command: positionals[0], operand: positionals[1] };
}

type Arguments = ReturnType<typeof readArguments>;

/** Refreshes the four roles, does `then`, and keeps what was verified, whatever came of it. */
async function refreshed({ need }: Arguments, then: (walk: Refresh) => Promise<void>): Promise<void> {
  const ports = { source: httpSource(need("metadata-url")), store: folderStore(need("metadata-dir")) };
  const walk = await Refresh.begin(ports, Date.now(), OPEN);
  try {
    await walk.topRoles();
    await then(walk);
  } catch (error) {
    await walk.keep(error);
    throw error;
  }
  await walk.keep();
}

async function run(parsed: Arguments): Promise<void> {
  const { need, command, operand } = parsed;
  if (command === "init" && operand !== undefined) {
    return initFolder(need("metadata-dir"), await readFile(operand));
  }
  if (command === "refresh") return refreshed(parsed, () => Promise.resolve());
  if (command !== "download") throw new UsageError("say init ROOT, refresh or download");
  const [name, baseUrl, folder] = [need("target-name"), need("target-base-url"), need("target-dir")];
  return refreshed(parsed, async (walk) => {
    const target = await findTarget(walk, name);
    if (target === undefined) throw new Error(`no role lists ${name}`);
    await download(target, walk.session.consistentSnapshot, { baseUrl, folder });
  });
}

function isUsage(error: unknown): boolean {
  return error instanceof UsageError || (error instanceof TypeError && "code" in error);
}

try {
  const parsed = readArguments();
  if (parsed.help) process.stdout.write(HELP);
  else await run(parsed);
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${reason}\n${isUsage(error) ? HELP : ""}`);
  process.exitCode = isUsage(error) ? 2 : 1;
}
