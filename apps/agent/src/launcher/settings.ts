/**
 * What the launcher takes from the device's configuration: a handful of keys, each with a default that works. It is
 * flashed and outlives many agents, so it reads only what it needs and stumbles over nothing else.
 */
import { dirname, resolve } from "node:path";
import { parse } from "yaml";

/** The launcher's settings. Times in milliseconds. */
export interface LauncherSettings {
  readonly deviceDir: string;
  /** A started agent that has not said that it is up by then is stopped. */
  readonly upTimeoutMs: number;
  /** An agent that has said nothing for this long is stopped. */
  readonly heartbeatTimeoutMs: number;
  /** A trial that is not decided long after this is stopped, should the agent itself fail to. */
  readonly trialTimeoutMs: number;
  /** How long a workload may take to end before it is killed. */
  readonly workStopGraceMs: number;
}

const DEFAULTS = {
  up_timeout_ms: 30_000,
  heartbeat_timeout_ms: 30_000,
  trial_timeout_ms: 180_000,
  work_stop_grace_ms: 10_000,
} as const;

/** The settings in `text`, the content of `file`; the environment's `MOULT_…` wins. Never throws. */
export function readLauncherSettings(
  file: string,
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): LauncherSettings {
  const given = readMap(text);
  const duration = (key: keyof typeof DEFAULTS): number => {
    const value = Number(env[`MOULT_${key.toUpperCase()}`] ?? given[key]);
    return Number.isFinite(value) && value >= 0 ? value : DEFAULTS[key];
  };
  const deviceDir = env["MOULT_DEVICE_DIR"] ?? given["device_dir"];
  return {
    deviceDir: resolve(dirname(resolve(file)), typeof deviceDir === "string" ? deviceDir : "."),
    upTimeoutMs: duration("up_timeout_ms"),
    heartbeatTimeoutMs: duration("heartbeat_timeout_ms"),
    trialTimeoutMs: duration("trial_timeout_ms"),
    workStopGraceMs: duration("work_stop_grace_ms"),
  };
}

/** A configuration that cannot be read is the agent's to complain about; the launcher has to launch it for that. */
function readMap(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch (error) {
    if (error instanceof Error) return {};
    throw error;
  }
}
