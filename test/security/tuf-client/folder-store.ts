/** Metadata in a folder, one file a role under unversioned names, as the conformance suite looks at it. */
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { KeptMetadata, MetadataStore } from "@moult/trust/tuf";

const END = ".json";
const TOP = new Set(["root", "timestamp", "snapshot"]);

/** A store in `folder`. The suite's layout has several files, so a save is one rename a file, the root first. */
export function folderStore(folder: string): MetadataStore {
  const read = (role: string): Promise<Uint8Array> => readFile(join(folder, fileOf(role)));
  return {
    load: async () => {
      const roles = (await readdir(folder))
        .filter((n) => n.endsWith(END))
        .map((n) => decodeURIComponent(n.slice(0, -5)));
      const files = new Map(await Promise.all(roles.map(async (role) => [role, await read(role)] as const)));
      const [timestamp, snapshot] = [files.get("timestamp"), files.get("snapshot")];
      return {
        root: files.get("root") ?? (await read("root")),
        ...(timestamp === undefined ? {} : { timestamp }),
        ...(snapshot === undefined ? {} : { snapshot }),
        targets: new Map([...files].filter(([role]) => !TOP.has(role))),
      };
    },
    save: async (kept) => {
      await mkdir(folder, { recursive: true });
      for (const [role, bytes] of filesOf(kept)) await place(join(folder, fileOf(role)), bytes);
    },
  };
}

/** Puts a first root into `folder`. */
export async function initFolder(folder: string, root: Uint8Array): Promise<void> {
  await mkdir(folder, { recursive: true });
  await place(join(folder, fileOf("root")), root);
}

/** Writes a file whole or not at all; removes it where there is nothing to keep. */
export async function place(path: string, bytes: Uint8Array | undefined): Promise<void> {
  if (bytes === undefined) return rm(path, { force: true });
  await writeFile(`${path}.new`, bytes);
  await rename(`${path}.new`, path);
}

function filesOf({ root, timestamp, snapshot, targets }: KeptMetadata): readonly [string, Uint8Array | undefined][] {
  return [["root", root], ["timestamp", timestamp], ["snapshot", snapshot], ...targets];
}

/** No role's name leads out of the folder: what is no letter, digit or one of `-_!~*'()` is escaped, `.` included. */
function fileOf(role: string): string {
  return `${encodeURIComponent(role).replaceAll(".", "%2E")}${END}`;
}
