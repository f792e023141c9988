/** The demo's boxes: each is provisioned as a vendor would flash it, and switched on by starting its launcher. */
import { readFile } from "node:fs/promises";
import { provisionDevice } from "../../../apps/agent/src/deploy/provision.ts";
import type { House } from "../harness/house.ts";
import type { RunningCoordinator } from "./coordinator.ts";
import type { Council } from "./council.ts";
import { type Box, CAPACITY_RPS, type FleetPlan, NETWORK, SERVICE_MS, SLOTS, WAITING_MAX } from "./plan.ts";
import type { PreparedRelease } from "./releases.ts";

/** What the devices are made of. */
export interface DevicePlan {
  readonly plan: FleetPlan;
  readonly council: Council;
  readonly coordinator: RunningCoordinator;
  /** What they come with. */
  readonly factory: PreparedRelease;
  readonly launcher: string;
  /** With which they enrol. */
  readonly token: string;
}

/** Makes and starts every device. */
export async function startDevices(house: House, devices: DevicePlan, signal: AbortSignal): Promise<void> {
  const root = new Uint8Array(await readFile(devices.council.rootFile));
  for (const box of devices.plan.boxes) {
    signal.throwIfAborted();
    const device = {
      // A short path: a Unix socket lies below it, whose path may have about a hundred characters.
      deviceDir: house.path(box.box),
      buildDir: devices.factory.dir,
      launcher: devices.launcher,
      config: deviceConfig(devices, box),
      root,
    };
    const { launcher, configFile } = await provisionDevice(device);
    house.run({ name: box.box, args: [launcher, "--config", configFile] });
  }
}

/** A device's configuration. Times are those of a fleet in a hurry: what is minutes in a home is seconds here. */
function deviceConfig({ coordinator, token }: DevicePlan, { box, port }: Box): Record<string, unknown> {
  return {
    network: NETWORK,
    coordinators: [coordinator.address],
    ca_file: coordinator.caFile,
    enrollment_token: token,
    model: "demo-box",
    labels: { box },
    workload: {
      env: {
        DEMO_BOX: box,
        DEMO_PORT: String(port),
        DEMO_SLOTS: String(SLOTS),
        DEMO_WAITING_MAX: String(WAITING_MAX),
        DEMO_SERVICE_MS: String(SERVICE_MS),
        DEMO_CAPACITY_RPS: String(CAPACITY_RPS),
      },
    },
    wake_interval_ms: 2500,
    first_ask_within_ms: 500,
    nudge_jitter_ms: 300,
    pulse_interval_ms: 500,
    quiet_ms: 400,
    work_poll_interval_ms: 200,
    trial_timeout_ms: 30_000,
    reconnect_min_ms: 100,
    reconnect_max_ms: 1000,
    failure_backoff_ms: 2000,
    log_level: "info",
  };
}
