/** What every form of the launcher begins with: the configuration, the folders, and a factory reset where one is wanted. */
import { realpath } from "node:fs/promises";
import { BootRecordFiles, DiskError, makeFoldersDurably, slotLayout } from "@moult/slots";
import { readBootId } from "../adapters/boot-id.ts";
import { nodeDisk } from "../adapters/node-disk.ts";
import { findSyncProgram } from "../adapters/sync-program.ts";
import { deviceLayout } from "../layout.ts";
import type { BootParts } from "./boot.ts";
import { writableFolders } from "./permission.ts";
import type { Say } from "./say.ts";
import { type LauncherSettings, readLauncherSettings } from "./settings.ts";

/** One device, as a launcher finds it. */
export interface Site extends BootParts {
  readonly configFile: string;
  readonly settings: LauncherSettings;
  /** Where the device's folder and the factory slot really are, links followed. */
  readonly realFolders: readonly string[];
  readonly runFolder: string;
  readonly socketPath: string;
  readonly bootId: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** More than any configuration has; what is longer is none. */
const CONFIG_BYTES_MAX = 1_048_576;

/** Opens the device. Throws DiskError where its configuration cannot be read. */
export async function openSite(configFile: string, env: Site["env"], say: Say): Promise<Site> {
  // A configuration that is gone is the agent's to complain about, like one that is wrong.
  const bytes = await nodeDisk.read(configFile, CONFIG_BYTES_MAX);
  const settings = withoutSync(readLauncherSettings(configFile, new TextDecoder().decode(bytes), env), say);
  const { deviceDir } = settings;
  const { state, slot } = slotLayout(deviceDir);
  const { run: runFolder, workSocket: socketPath } = deviceLayout(deviceDir);
  for (const folder of writableFolders(deviceDir)) await makeFolder(folder, say);
  const bootId = await readBootId();
  const records = new BootRecordFiles(nodeDisk, state);
  const realFolders = [await linkedTo(deviceDir), await linkedTo(slot("factory"))];
  return {
    configFile,
    settings,
    deviceDir,
    realFolders,
    runFolder,
    socketPath,
    bootId,
    records,
    disk: nodeDisk,
    say,
    env,
  };
}

/** An agent that works without the belt is better than one that cannot start with it. */
function withoutSync(settings: LauncherSettings, say: Say): LauncherSettings {
  if (!settings.permissionModel || findSyncProgram() !== undefined) return settings;
  say("warn", "this system has no `sync`, so the agent starts without Node's permission model; add the program");
  return { ...settings, permissionModel: false };
}

/** Where a path leads; the path itself where it leads nowhere. */
async function linkedTo(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isMissing(error)) return path;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

/** A disk that takes no folder any more may still hold an agent that works. */
async function makeFolder(folder: string, say: Say): Promise<void> {
  try {
    await makeFoldersDurably(nodeDisk, folder);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    say("error", `${folder} could not be made: ${error.message}`);
  }
}
