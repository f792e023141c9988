/** Sets the demo's fleet up: keys, builds, coordinator, devices. In the order in which a vendor and an operator would. */
import type { House } from "../harness/house.ts";
import { makeBuilds } from "./builds.ts";
import { type RunningCoordinator, startCoordinator } from "./coordinator.ts";
import { Council } from "./council.ts";
import { startDevices } from "./devices.ts";
import { operatorOf } from "./operator.ts";
import { type FleetPlan, NETWORK, POOL } from "./plan.ts";
import type { Releases } from "./releases.ts";

/** How long the devices' token holds. */
const TOKEN_FOR = "1d";

/** A fleet whose processes have been started. */
export interface RunningFleet {
  /** The house's folder. */
  readonly folder: string;
  readonly plan: FleetPlan;
  readonly council: Council;
  readonly coordinator: RunningCoordinator;
  readonly releases: Releases;
}

/**
 * Builds everything and starts coordinator and devices, which come with version 1. Ends early, with nothing under way, where
 * `signal` is aborted.
 */
export async function setUpFleet(
  house: House,
  plan: FleetPlan,
  tell: (what: string) => void,
  signal: AbortSignal,
): Promise<RunningFleet> {
  const council = await Council.found(house, operatorOf("", signal), NETWORK);
  tell("root.json names the keys: a council of three, two of them a quorum; a publisher; a breaker");
  const coordinator = await startCoordinator(house, plan, council, signal);
  tell(`the coordinator listens at ${coordinator.address}`);
  const moult = operatorOf(coordinator.stateDir, signal);
  const { releases, launcher } = await makeBuilds(house, moult, signal);
  const { one, two, detour, three } = releases;
  tell(`built ${[one, two, detour, three].map(({ version }) => version).join(", ")}`);
  await council.release(moult, releases.one.dir);
  const uses = String(plan.boxes.length);
  const made = await moult(["token", "create", "--pool", POOL, "--uses", uses, "--for", TOKEN_FOR, "-o", "json"]);
  const { enrollmentToken: token } = JSON.parse(made) as { enrollmentToken: string };
  tell(
    "1.0.0 is on the allowlist that two members signed and the publisher published; the devices have a token to enrol with",
  );
  await startDevices(house, { plan, council, coordinator, factory: releases.one, launcher, token }, signal);
  tell(`${plan.boxes.length} devices are flashed with it and switched on`);
  return { folder: house.folder, plan, council, coordinator, releases };
}
