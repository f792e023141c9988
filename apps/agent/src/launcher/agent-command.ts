/**
 * How the agent of a slot is started: program, arguments, environment. Pure. The options of the runtime are the flashed
 * launcher's; a runtime that does not know them is started without (see `probe.ts`).
 */
import { join } from "node:path";
import { LAUNCHER_FD_VARIABLE } from "../adapters/launcher-link.ts";
import { START_VARIABLE } from "../adapters/agent-life.ts";
import type { Boot } from "./boot.ts";
import { AGENT_OF_VARIABLE } from "./leftovers.ts";
import { permissionOptions } from "./permission.ts";
import type { LauncherSettings } from "./settings.ts";

/** A process to start. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What the launcher knows of a start. */
export interface Start {
  readonly boot: Boot;
  readonly configFile: string;
  readonly settings: LauncherSettings;
  /** Where the device's folder and the factory slot really are: either may be a link, and Node judges by where links lead. */
  readonly realFolders: readonly string[];
  /** The launcher's own environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A name for this start, which the agent repeats in what it writes down of itself. */
  readonly startId: string;
  /** Variables besides. */
  readonly extra?: Readonly<Record<string, string>>;
}

/**
 * For a process that mostly sleeps, memory counts for more than speed: a small young generation, code that is interpreted
 * and never compiled, and no threads that wait for work which never comes.
 */
const FRUGAL_OPTIONS = ["--lite-mode", "--max-semi-space-size=1", "--v8-pool-size=1"] as const;

/** glibc otherwise keeps a heap for each thread; libuv's threads only wait for the disk. */
const FRUGAL_ENV = { MALLOC_ARENA_MAX: "1", UV_THREADPOOL_SIZE: "2" } as const;

/** The runtime's options for this device. */
export function runtimeOptions(start: Start): readonly string[] {
  const { settings, configFile, realFolders } = start;
  const options = settings.permissionModel ? permissionOptions(settings, configFile, realFolders) : [];
  return [...FRUGAL_OPTIONS, ...options];
}

/** The command; `bare` leaves the runtime's options out. */
export function agentCommand(start: Start, bare: boolean): Command {
  const { boot, configFile, settings, env, startId, extra } = start;
  const { decision, contents, folder } = boot;
  const inherited = Object.entries(env).flatMap(([key, value]) =>
    value === undefined || key === LAUNCHER_FD_VARIABLE ? [] : [[key, value] as const],
  );
  return {
    program: join(folder, contents.runtime),
    args: [...(bare ? [] : runtimeOptions(start)), join(folder, contents.agent), "--config", configFile],
    env: {
      ...Object.fromEntries(inherited),
      ...FRUGAL_ENV,
      MOULT_SLOT: decision.slot,
      MOULT_TRIAL: decision.trial ? "1" : "0",
      [AGENT_OF_VARIABLE]: settings.deviceDir,
      [START_VARIABLE]: startId,
      ...extra,
    },
  };
}
