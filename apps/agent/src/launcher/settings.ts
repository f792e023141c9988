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
  /** The longest time in which an agent decides its trial; long after it the trial is stopped from outside. */
  readonly trialTimeoutMs: number;
  /** How long a workload may take to end before it is killed. */
  readonly workStopGraceMs: number;
  /** The coordinators' authority, which the agent has to read; undefined where none is named. */
  readonly caFile: string | undefined;
  /** The root of trust, which the agent has to read too; undefined where none is named. */
  readonly rootFile: string | undefined;
  /** The token in the configuration; empty where there is none. */
  readonly enrollmentToken: string;
  /** Who starts the workload. */
  readonly workRunner: "child" | "unit";
  /** Whether agents run under Node's permission model. */
  readonly permissionModel: boolean;
}

const DEFAULTS = {
  up_timeout_ms: 30_000,
  heartbeat_timeout_ms: 30_000,
  trial_timeout_ms: 180_000,
  unreachable_soak_ms: 600_000,
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
  const base = dirname(resolve(file));
  const word = (key: string): string | undefined => {
    const value = env[`MOULT_${key.toUpperCase()}`] ?? given[key];
    return typeof value === "string" ? value : undefined;
  };
  const [caFile, rootFile] = [word("ca_file"), word("root_file")];
  const workload = env["MOULT_WORKLOAD"] === undefined ? given["workload"] : readMap(env["MOULT_WORKLOAD"]);
  return {
    deviceDir: resolve(base, word("device_dir") ?? "."),
    caFile: caFile && resolve(base, caFile),
    rootFile: rootFile && resolve(base, rootFile),
    enrollmentToken: word("enrollment_token") ?? "",
    workRunner: (workload as { runner?: unknown } | null | undefined)?.runner === "unit" ? "unit" : "child",
    permissionModel: String(env["MOULT_PERMISSION_MODEL"] ?? given["permission_model"]) !== "false",
    upTimeoutMs: duration("up_timeout_ms"),
    heartbeatTimeoutMs: duration("heartbeat_timeout_ms"),
    trialTimeoutMs: Math.max(duration("trial_timeout_ms"), duration("unreachable_soak_ms")),
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
