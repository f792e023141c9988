/** The demo's coordinator: its configuration, and how to reach it once it listens. */
import { readFile, writeFile } from "node:fs/promises";
import type { House } from "../harness/house.ts";
import { until } from "../harness/until.ts";
import type { CoordinatorAccess } from "../router/membership.ts";
import { type FleetPlan, MARGIN_RATIO, NETWORK } from "./plan.ts";
import { COORDINATOR } from "./sources.ts";
import type { Council } from "./council.ts";

/** How long it may take to come up, in milliseconds. */
const COMES_UP_MS = 20_000;

/** A coordinator that listens. */
export interface RunningCoordinator extends CoordinatorAccess {
  readonly stateDir: string;
  readonly artifactsUrl: string;
}

/** Starts the coordinator and waits until it listens. */
export async function startCoordinator(
  house: House,
  plan: FleetPlan,
  council: Council,
  signal: AbortSignal,
): Promise<RunningCoordinator> {
  const stateDir = house.path("coordinator");
  const file = house.path("coordinator.yaml");
  // JSON is YAML too. Times are those of a fleet in a hurry: what is minutes in a home is seconds here.
  const config = {
    network: NETWORK,
    state_dir: stateDir,
    grpc: { host: "127.0.0.1", port: plan.grpcPort },
    artifacts: { host: "127.0.0.1", port: plan.artifactsPort },
    root_file: council.rootFile,
    override_keys: [council.operator.publicKey],
    capacity: {
      margin_ratio: MARGIN_RATIO,
      report_fresh_ms: 6000,
      permit_ttl_ms: 45_000,
      drain_grace_ms: 8000,
      absence_predicted_ms: 3000,
    },
    retry: { allowlist_ms: 2000, dial_ms: 2000, capacity_ms: 700 },
    log_level: "info",
  };
  await writeFile(file, JSON.stringify(config, undefined, 2));
  house.run({ name: "coordinator", args: [COORDINATOR, "--config", file] });
  const endpoints = `${stateDir}/endpoints.json`;
  let text = "";
  await until(
    "the coordinator listens",
    COMES_UP_MS,
    async () => {
      text = await readFile(endpoints, "utf8").catch(() => "");
      return text !== "";
    },
    signal,
  );
  const { grpc, artifacts } = JSON.parse(text) as { grpc: string; artifacts: string };
  return {
    address: grpc,
    artifactsUrl: artifacts,
    stateDir,
    caFile: `${stateDir}/tls/ca.pem`,
    tokenFile: `${stateDir}/operator.token`,
  };
}
