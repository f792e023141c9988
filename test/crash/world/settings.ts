/** The device's configuration, read as a device reads it. Times are short where nothing depends on them. */
import { type Settings, loadConfig } from "@moult/agent/inside";
import { NETWORK } from "../builds.ts";

/** The device's folder on its disk. */
export const ROOT = "/device";

const TEXT = JSON.stringify({
  network: NETWORK,
  device_dir: ".",
  coordinators: ["coordinator.example:7443"],
  ca_file: "ca.pem",
  first_ask_within_ms: 1_000,
  wake_interval_ms: 60_000,
  nudge_jitter_ms: 1_000,
  pulse_interval_ms: 600_000,
  attend: false,
  trial_timeout_ms: 60_000,
  failure_backoff_ms: 10_000,
  failure_backoff_max_ms: 20_000,
  work_poll_interval_ms: 60_000,
  work_poll_fast_ms: 1_000,
  disk_reserve_bytes: 0,
});

/** JSON is YAML too. */
export const SETTINGS: Settings = loadConfig(`${ROOT}/device.yaml`, TEXT, {}).settings;
