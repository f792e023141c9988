/**
 * The program `sync`, by which an agent under Node's permission model makes writes safe. Small systems are built without
 * it; the launcher looks before it switches the model on, because an agent that cannot make a write safe does not start.
 */
import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** It stands in one of these, whatever PATH says. */
const FOLDERS = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"] as const;

/** The same for a program that is started by its name. */
export const SYNC_PATH: string = FOLDERS.join(":");

/** Its path; undefined where this system has none. `folders` is for tests. */
export function findSyncProgram(folders: readonly string[] = FOLDERS): string | undefined {
  return folders.map((folder) => join(folder, "sync")).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    // Missing, not ours to run, or in a folder that is no folder: in each case it is of no use here.
    if (error instanceof Error && "code" in error) return false;
    throw error;
  }
}
