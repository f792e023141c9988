/** Where the coordinator listens: in words, in its endpoints file, and in the error where it cannot. */
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ConnectionCounts, ConnectionTally } from "../artifacts/connections.ts";
import { ConfigError } from "../config.ts";

/** What is written of it. URLs and `host:port`; undefined for a port that there is not. */
export interface Endpoints {
  readonly grpc: string;
  readonly json: string;
  readonly artifacts: string;
  readonly operators: string | undefined;
  readonly metrics: string | undefined;
  readonly pid: number;
}

/** Writes the file, whole or not at all. The answer removes it. */
export function writeEndpoints(stateDir: string, replica: string | undefined, endpoints: Endpoints): () => void {
  const path = join(stateDir, `endpoints${replica === undefined ? "" : `-${replica}`}.json`);
  writeFileSync(`${path}.new`, `${JSON.stringify(endpoints)}\n`);
  renameSync(`${path}.new`, path);
  return () => rmSync(path, { force: true });
}

/** `host:port`, with an IPv6 address in brackets. */
export function authority(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A port's bounds as its listener takes them. */
export function countsOf(
  port: { readonly connections_max: number; readonly connections_per_address_max: number },
  tally: ConnectionTally,
): ConnectionCounts {
  return {
    connectionsMax: port.connections_max,
    connectionsPerAddressMax: port.connections_per_address_max,
    tally,
  };
}

/** The error where a port cannot be had; `key` is the configuration's. */
export function cannotListen(
  key: string,
  { host, port }: { readonly host: string; readonly port: number },
  cause: Error,
): ConfigError {
  return new ConfigError(`${key}: cannot listen on ${authority(host, port)}: ${cause.message}`, { cause });
}
