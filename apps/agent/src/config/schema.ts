/**
 * The configuration's inputs: what may stand in `device.yaml`, with limits and defaults. Every key can also be given in
 * the environment, as `MOULT_` and the key in capitals; there, lists and maps are written as in YAML's flow style.
 */
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { DAY_MS, duration, name, text, whole } from "./fields.ts";
import type { Settings } from "./settings.ts";

/** What a device can be told. Keys that are not named here are reported and ignored: they may be a later agent's. */
const schema = z.object({
  /** The network's name. A build for another network is refused. */
  network: z
    .string({ error: "is missing; it is the network's name, as in `network: demo`" })
    .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, { error: "must be 1 to 63 of a-z, 0-9 and - (no - at an end)" }),
  /** The device's folder; relative to the configuration file. */
  device_dir: text(200).min(1).default("."),
  /** Addresses of coordinators, 1 to 8 of `host:port`; a device begins with any of them and moves on when one is silent. */
  coordinators: z
    .array(z.string().regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$/, { error: "must be `host:port`" }), {
      error: 'is missing; it is a list of addresses, as in `coordinators: ["coordinator.example:7443"]`',
    })
    .min(1, { error: "must name at least one coordinator" })
    .max(8, { error: "must name at most 8 coordinators" }),
  /** The authority that signed the coordinators' certificates, as PEM; relative to the configuration file. */
  ca_file: text(4096).min(1, { error: "must be the path of a PEM file" }),
  /** When the device was flashed, as in `2026-11-21T08:00:00Z`: it is never earlier than this. */
  build_time: z.iso.datetime({ error: "must be a time in UTC, as in `2026-11-21T08:00:00Z`" }).optional(),
  /**
   * The root of trust that the device is flashed with, a file as `moult root init` makes it; relative to the configuration
   * file. Without it, `root.json` beside the agent in its build.
   */
  root_file: text(4096).min(1, { error: "must be the path of a root of trust" }).optional(),
  /** Where metadata can be had too, 0 to 8 `https` URLs: asked where coordinators are silent, or have nothing that holds. */
  mirrors: z
    .array(z.url({ protocol: /^https$/, error: "must be an https URL" }).max(2048), {
      error: "must be a list of https URLs",
    })
    .max(8, { error: "must name at most 8 mirrors" })
    .default([]),
  /** Of devices before 0.2, and ignored: the root says who approves builds. */
  council: z.unknown().optional(),
  /** With it an unknown device becomes a node. A vendor's tools move it to `state/enrollment-token`, where it is erased. */
  enrollment_token: text(256).default(""),
  /** The hardware model. */
  model: text(64).default(""),
  /** Labels by which operators name nodes; at most 16. */
  labels: z
    .record(name, name)
    .refine((labels) => Object.keys(labels).length <= 16, { error: "must be at most 16 labels" })
    .default({}),
  /** What can fail together with this device, as in `isp/example`; at most 8. */
  domains: z.array(text(128).min(1)).max(8, { error: "must be at most 8 domains" }).default([]),
  /**
   * `runner`: who starts the workload, the agent (`child`) or an init system that watches `run/work-wanted` (`unit`).
   * `env`: its environment, besides PATH, HOME, TMPDIR, LANG, TZ and MOULT_WORK_SOCKET.
   */
  workload: z
    .object({
      runner: z.enum(["child", "unit"], { error: "must be child or unit" }).default("child"),
      env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.coerce.string()).default({}),
    })
    .default({ runner: "child", env: {} }),
  /** Mean time between two asks. */
  wake_interval_ms: duration(100).default(900_000),
  /** The first ask after a start comes within this time; without it, within `wake_interval_ms`. */
  first_ask_within_ms: duration(0).optional(),
  /** After a nudge the ask comes within this time. */
  nudge_jitter_ms: duration(0).default(2_000),
  /** A pulse is sent at least this often, and at once when something changed. */
  pulse_interval_ms: duration(50).default(60_000),
  /** Whether to hold a stream to a coordinator. Without it nudges arrive with the next ask. */
  attend: z.boolean({ error: "must be true or false" }).default(true),
  /** Drained is when nothing was begun or in flight for this long. */
  quiet_ms: duration(0).default(500),
  /** A trial that is not decided by then is reverted. */
  trial_timeout_ms: duration(1_000).default(180_000),
  /** How long a build has to prove itself where no coordinator could be reached before the swap either. */
  unreachable_soak_ms: duration(0).default(600_000),
  /** How often a build on trial may be started before it is abandoned. */
  trial_tries: whole(1, 16).default(3),
  /** How often the workload is asked what it does. */
  work_poll_interval_ms: duration(20).default(1_000),
  /** The same while it drains or is on trial. */
  work_poll_fast_ms: duration(10).default(100),
  /** How long a workload may take to end after SIGTERM before it is killed. */
  work_stop_grace_ms: duration(0).default(10_000),
  /** A call to a coordinator that takes longer has failed. */
  rpc_timeout_ms: duration(100).default(10_000),
  /** Failed calls are repeated after a random time within a window that grows from this … */
  reconnect_min_ms: duration(10).default(500),
  /** … to this. */
  reconnect_max_ms: duration(10).default(30_000),
  /** While the stream is open, a sign of life goes out this often: sooner than routers forget a quiet connection … */
  keepalive_interval_ms: duration(1_000).default(20_000),
  /** … and without an answer to it within this time the connection is given up. */
  keepalive_timeout_ms: duration(500).default(10_000),
  /** A build that could not be staged is tried again after this time, doubled each time in a row … */
  failure_backoff_ms: duration(10).default(60_000),
  /** … up to this. */
  failure_backoff_max_ms: duration(10).default(21_600_000),
  /** A source that sends nothing for this long is left for the next one. */
  pull_stall_timeout_ms: duration(50).default(20_000),
  /** A source slower than this over half a minute is left, if there is another; bytes a second. */
  pull_rate_min_bytes_per_s: whole(0).default(1_024),
  /** Never take more than this, in bytes a second; 0 for no limit. */
  pull_rate_max_bytes_per_s: whole(0).default(0),
  /** All parts of a build must be there within this time. */
  pull_timeout_ms: duration(1_000).default(DAY_MS),
  /** How often all sources are gone through before a pull has failed. */
  pull_rounds: whole(1, 100).default(8),
  /** Space on the disk that staging must leave free, in bytes. */
  disk_reserve_bytes: whole(0).default(16_777_216),
  /** How much is logged. */
  log_level: z
    .enum(["trace", "debug", "info", "warn", "error", "silent"], {
      error: "must be trace, debug, info, warn, error or silent",
    })
    .default("info"),
  /** The launcher: whether agents run under Node's permission model. */
  permission_model: z.boolean({ error: "must be true or false" }).default(true),
  /** The launcher: a started agent that has not said that it is up by then is stopped. */
  up_timeout_ms: duration(1_000).default(30_000),
  /** The launcher: an agent that has said nothing for this long is stopped. */
  heartbeat_timeout_ms: duration(1_000).default(30_000),
});

/** The same, for whoever publishes it. */
export const CONFIG_SCHEMA: z.ZodType = schema;

/** Every key there is. */
export const CONFIG_KEYS: readonly string[] = Object.keys(schema.shape);

/** Keys whose value in the environment is taken as it stands. */
export const TEXT_KEYS: ReadonlySet<string> = new Set([
  "network",
  "device_dir",
  "ca_file",
  "root_file",
  "enrollment_token",
  "build_time",
  "model",
  "build_time",
  "log_level",
]);

/** The settings in `fragment`, or what is wrong with it. Relative paths are relative to `configFile`. */
export function readInputs(
  fragment: unknown,
  configFile: string,
): { readonly settings: Settings } | { readonly problems: readonly string[] } {
  const checked = schema.safeParse(fragment);
  if (checked.success) return { settings: toSettings(checked.data, configFile) };
  return { problems: checked.error.issues.map((issue) => `\`${issue.path.join(".")}\` ${issue.message}`) };
}

function toSettings(inputs: z.infer<typeof schema>, configFile: string): Settings {
  const base = dirname(resolve(configFile));
  return {
    network: inputs.network,
    deviceDir: resolve(base, inputs.device_dir),
    ...(inputs.root_file !== undefined && { rootFile: resolve(base, inputs.root_file) }),
    mirrors: inputs.mirrors,
    buildTimeMs: inputs.build_time === undefined ? 0 : Date.parse(inputs.build_time),
    wire: {
      coordinators: inputs.coordinators,
      caFile: resolve(base, inputs.ca_file),
      enrollmentToken: inputs.enrollment_token,
      model: inputs.model,
      labels: inputs.labels,
      domains: inputs.domains,
      attend: inputs.attend,
      pulseIntervalMs: inputs.pulse_interval_ms,
      rpcTimeoutMs: inputs.rpc_timeout_ms,
      reconnectMinMs: inputs.reconnect_min_ms,
      reconnectMaxMs: Math.max(inputs.reconnect_min_ms, inputs.reconnect_max_ms),
      keepaliveIntervalMs: inputs.keepalive_interval_ms,
      keepaliveTimeoutMs: inputs.keepalive_timeout_ms,
    },
    pull: {
      stallTimeoutMs: inputs.pull_stall_timeout_ms,
      rateMinBytesPerS: inputs.pull_rate_min_bytes_per_s,
      rateMaxBytesPerS: inputs.pull_rate_max_bytes_per_s,
      timeoutMs: inputs.pull_timeout_ms,
      rounds: inputs.pull_rounds,
      diskReserveBytes: inputs.disk_reserve_bytes,
    },
    work: {
      runner: inputs.workload.runner,
      env: inputs.workload.env,
      pollIntervalMs: inputs.work_poll_interval_ms,
      pollFastMs: inputs.work_poll_fast_ms,
      stopGraceMs: inputs.work_stop_grace_ms,
    },
    tunables: {
      wakeIntervalMs: inputs.wake_interval_ms,
      firstAskWithinMs: inputs.first_ask_within_ms ?? inputs.wake_interval_ms,
      nudgeJitterMs: inputs.nudge_jitter_ms,
      quietMs: inputs.quiet_ms,
      trialTimeoutMs: inputs.trial_timeout_ms,
      unreachableSoakMs: inputs.unreachable_soak_ms,
      trialTries: inputs.trial_tries,
      reconnectMinMs: inputs.reconnect_min_ms,
      reconnectMaxMs: Math.max(inputs.reconnect_min_ms, inputs.reconnect_max_ms),
      failureBackoffMs: inputs.failure_backoff_ms,
      failureBackoffMaxMs: Math.max(inputs.failure_backoff_ms, inputs.failure_backoff_max_ms),
    },
    logLevel: inputs.log_level,
  };
}
