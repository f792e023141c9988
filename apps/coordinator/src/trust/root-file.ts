/** The root that the configuration names: where all trust of this coordinator begins. */
import { readFileSync } from "node:fs";
import { TufError, keptRoot } from "@moult/trust/tuf";
import { type Config, ConfigError } from "../config.ts";

/** Reads it; it must be of this network, and signed by its own quorum. Throws ConfigError. */
export function readRoot({ root_file: path, network }: Pick<Config, "root_file" | "network">): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(readFileSync(path));
  } catch (cause) {
    throw new ConfigError(`root_file: ${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
  try {
    const root = keptRoot({ root: bytes, targets: new Map() });
    if (root.network === network) return bytes;
    throw new ConfigError(`root_file: ${path} is of network ${root.network}, not of ${network}`);
  } catch (cause) {
    if (!(cause instanceof TufError)) throw cause;
    throw new ConfigError(`root_file: ${path} is no root: ${cause.message}`, { cause });
  }
}
