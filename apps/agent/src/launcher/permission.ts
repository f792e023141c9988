/**
 * Node's permission model for the agent: what it may read, write and start. A belt, not a wall: it keeps a mistake in the
 * agent from the rest of the box. Whoever can run code in the agent can start programs, and those are bound by the init
 * system's sandbox alone. Pure.
 */
import { resolve } from "node:path";
import { slotLayout } from "@moult/slots";
import { deviceLayout } from "../layout.ts";
import type { LauncherSettings } from "./settings.ts";

/** The kernel's facts about host and processes. */
const FOLDERS = ["/proc", "/sys"] as const;

/** What says which system this is. */
const FILES = ["/etc/os-release", "/usr/lib/os-release", "/etc/lsb-release"] as const;

/** Where an agent may write. All of them must be there when it starts: Node takes a folder that is not for a file. */
export function writableFolders(deviceDir: string): readonly string[] {
  const { parts, incoming, slots, state } = slotLayout(deviceDir);
  const { run, work } = deviceLayout(deviceDir);
  return [parts, incoming, slots, state, run, work];
}

/**
 * The options. Programs have to be allowed: under the permission model Node has no fsync, so that a program makes writes
 * safe (see `adapters/safe-on-disk.ts`), and the init system's watchdog is told by one.
 */
export function permissionOptions(
  settings: LauncherSettings,
  configFile: string,
  realFolders: readonly string[],
): readonly string[] {
  const { deviceDir, caFile, rootFile } = settings;
  const inside = (path: string): boolean => path === deviceDir || path.startsWith(`${deviceDir}/`);
  const named = [caFile, rootFile].filter((file) => file !== undefined);
  const files = [...realFolders, resolve(configFile), ...named, ...FILES].filter((path) => !inside(path));
  return [
    "--permission",
    // The folder before what may begin with the same letters: Node's list of paths forgets the folder itself otherwise.
    ...[deviceDir, ...FOLDERS, ...files].map((path) => `--allow-fs-read=${path}`),
    ...writableFolders(deviceDir).map((path) => `--allow-fs-write=${path}`),
    "--allow-net",
    "--allow-child-process",
    "--disable-warning=PERM0002",
    "--disable-warning=ExperimentalWarning",
  ];
}
