/**
 * How far an agent has come, written down by itself for the launcher that follows it: a launcher that became the agent
 * is not there to see it end. A small file in `run`, which means nothing after a reboot.
 */
import { writeFileSync } from "node:fs";
import { type Disk, DiskError, seal, unseal } from "@moult/slots";
import type { Log } from "../ports.ts";

/** In the agent's environment: the name of this start. */
export const START_VARIABLE = "MOULT_START";

/** What is written down. */
export interface Life {
  readonly startId: string;
  /** It looked after its device. */
  readonly wasUp: boolean;
  /** Its trial ended in a commit. */
  readonly kept: boolean;
  /** How it ended, where it had the time to say so. */
  readonly code?: number;
}

/** A few short values. */
const FILE_BYTES_MAX = 4_096;

/** Keeps the file at `path` for the start of that name. Written synchronously: the last word is said while exiting. */
export class LifeWriter {
  readonly #path: string;
  readonly #log: Log;
  #life: Life;

  constructor(path: string, startId: string, log: Log) {
    this.#path = path;
    this.#log = log;
    this.#life = { startId, wasUp: false, kept: false };
  }

  /** Whether the trial has ended in a commit. */
  get kept(): boolean {
    return this.#life.kept;
  }

  tell(news: Partial<Omit<Life, "startId">>): void {
    this.#life = { ...this.#life, ...news };
    try {
      writeFileSync(this.#path, seal(this.#life));
    } catch (error) {
      // On a full disk the launcher knows less; that is all.
      this.#log.warn({ err: error }, "how far this agent has come could not be written down");
    }
  }
}

/** What an agent has written down; undefined where nothing is, or nothing that can be read. */
export async function readLife(disk: Disk, path: string): Promise<Life | undefined> {
  try {
    const bytes = await disk.read(path, FILE_BYTES_MAX);
    const value = bytes && unseal(bytes);
    if (typeof value !== "object" || value === null) return undefined;
    const { startId, wasUp, kept, code } = value as Record<string, unknown>;
    if (typeof startId !== "string") return undefined;
    return { startId, wasUp: wasUp === true, kept: kept === true, ...(typeof code === "number" && { code }) };
  } catch (error) {
    if (error instanceof DiskError) return undefined;
    throw error;
  }
}
