/** Turns the options of `moult release build` into a build's input. Pure. */
import type { ManifestWorkload } from "@moult/trust";
import { parsePair } from "../../arguments/pairs.ts";
import type { BuildInput } from "../../build/input.ts";
import { usageError } from "../../errors.ts";

/** The options as they were given. */
export interface BuildFlags {
  readonly network: string;
  readonly version: string;
  readonly counter: number;
  readonly platform: string;
  readonly from: readonly string[];
  readonly part: readonly string[];
  readonly executable: readonly string[];
  readonly runtime: string;
  readonly agent: string;
  readonly workloadKind?: string;
  readonly workloadCommand?: readonly string[];
  readonly hooksDir?: string;
  readonly healthTimeoutMs: number;
  readonly soakMs: number;
  /** Seconds since 1970. */
  readonly builtAt?: number;
}

const PLATFORM = /^([a-z0-9_]+)-([a-z0-9_]+)$/;

/** The input. Throws CliError USAGE. */
export function readBuildFlags(flags: BuildFlags): BuildInput {
  const [, os, arch] = PLATFORM.exec(flags.platform) ?? [];
  if (os === undefined || arch === undefined) {
    throw usageError(`--platform: "${flags.platform}" is not a platform.`, "Write it as in linux-x64 or linux-arm64.");
  }
  const executable = new Set(flags.executable);
  const parts = flags.part.map((text) => {
    const [path, file] = parsePair(text, "PATH=FILE");
    return { path, file, executable: executable.has(path) };
  });
  const paths = new Set(parts.map(({ path }) => path));
  for (const path of executable) {
    if (!paths.has(path)) throw usageError(`--executable: there is no part ${path}.`, `Add it: --part ${path}=FILE`);
  }
  return {
    network: flags.network,
    version: flags.version,
    releaseCounter: flags.counter,
    platform: { os, arch },
    fromVersions: flags.from,
    runtime: flags.runtime,
    agent: flags.agent,
    workload: readWorkloadFlags(flags),
    parts,
    ...(flags.builtAt !== undefined && { builtAtS: flags.builtAt }),
  };
}

function readWorkloadFlags(flags: BuildFlags): ManifestWorkload {
  const { workloadCommand: command, hooksDir: hooks_dir } = flags;
  const trial = { health_timeout_ms: flags.healthTimeoutMs, soak_ms: flags.soakMs };
  const implied = command !== undefined ? "work-service" : hooks_dir !== undefined ? "hooks" : undefined;
  const kind = flags.workloadKind ?? implied;
  if (command !== undefined && hooks_dir !== undefined) {
    throw usageError("A workload has either --workload-command or --hooks-dir.");
  }
  switch (kind) {
    case "work-service":
      if (command === undefined) throw usageError("A work-service needs --workload-command.");
      return { kind, command, ...trial };
    case "hooks":
      if (hooks_dir === undefined) throw usageError("Hooks need --hooks-dir.");
      return { kind, hooks_dir, ...trial };
    case "none":
      if (implied !== undefined) throw usageError("With --workload-kind none there is no command and no hooks folder.");
      return { kind, ...trial };
    case undefined:
      throw usageError(
        "What does the box work on?",
        "Give --workload-command WORD…, --hooks-dir PATH, or --workload-kind none.",
      );
    default:
      throw usageError(`--workload-kind: "${kind}" is not work-service, hooks or none.`);
  }
}
