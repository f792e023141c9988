/**
 * The workload that an init system is to run for the agent, and how it is told to stop. `run/work-wanted` says what; the
 * unit that watches it runs `launcher.mjs work`, which becomes the workload. `run/work-unwanted` asks the init system to
 * stop it; whoever has done so removes the file. Both are the agent's to write, and nothing in them is believed unchecked.
 */
import { dirname, join } from "node:path";
import { type Disk, DiskError, seal, unseal } from "@moult/slots";

/** A workload to run. */
export interface Wanted {
  readonly identity: string;
  /** Program and arguments; the program is a path, or a name to be found on PATH. */
  readonly argv: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  /** Added to the environment of the unit. */
  readonly env: Readonly<Record<string, string>>;
}

/** A command and an environment; more is nobody's. */
const FILE_BYTES_MAX = 262_144;
const WORDS_MAX = 1_024;

/** What is wanted; undefined where nothing is, or nothing that makes sense. */
export async function readWanted(disk: Disk, path: string): Promise<Wanted | undefined> {
  try {
    const bytes = await disk.read(path, FILE_BYTES_MAX);
    return bytes && decode(bytes);
  } catch (error) {
    if (error instanceof DiskError && (error.code === "TOO_LARGE" || error.code === "IO")) return undefined;
    throw error;
  }
}

/** Wants that workload; nothing happens where it is wanted already. Throws DiskError. */
export async function writeWanted(disk: Disk, path: string, wanted: Wanted): Promise<void> {
  const bytes = seal(wanted);
  const present = await disk.read(path, FILE_BYTES_MAX).catch(() => undefined);
  if (present !== undefined && Buffer.compare(present, bytes) === 0) return;
  // Aside first: the init system looks at the name, and must never see half a file under it.
  const aside = join(dirname(path), ".work-wanted-new");
  await disk.removeFile(aside);
  const file = await disk.create(aside, "plain");
  try {
    await file.write(bytes);
  } finally {
    await file.close();
  }
  await disk.rename(aside, path);
}

function decode(bytes: Uint8Array): Wanted | undefined {
  const value = unseal(bytes);
  if (typeof value !== "object" || value === null) return undefined;
  const { identity, argv, cwd, env } = value as Record<string, unknown>;
  if (typeof identity !== "string" || !/^[A-Za-z0-9_-]{1,128}$/.test(identity)) return undefined;
  if (typeof cwd !== "string" || !cwd.startsWith("/") || !isWord(cwd)) return undefined;
  if (!Array.isArray(argv) || argv.length === 0 || argv.length > WORDS_MAX || argv[0] === "") return undefined;
  if (!argv.every(isWord) || typeof env !== "object" || env === null) return undefined;
  const entries = Object.entries(env);
  if (entries.length > WORDS_MAX) return undefined;
  if (!entries.every(([key, word]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) && isWord(word))) return undefined;
  return { identity, argv, cwd, env: Object.fromEntries(entries) as Record<string, string> };
}

/** What the system takes as an argument. */
function isWord(value: unknown): value is string {
  return typeof value === "string" && !value.includes("\0");
}
