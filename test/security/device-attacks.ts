/** Attacks on a device by whoever answers it, or has had its disk, by family. */
import { alteredCoordinator } from "./attacks/altered-coordinator.ts";
import { approval } from "./attacks/approval.ts";
import { brakes } from "./attacks/brakes.ts";
import { freshness } from "./attacks/freshness.ts";
import { roots } from "./attacks/roots.ts";
import type { Attack } from "./harness/attack.ts";

export const DEVICE_FAMILIES: Readonly<Record<string, readonly Attack[]>> = {
  approval,
  freshness,
  brakes,
  roots,
  "altered-coordinator": alteredCoordinator,
};
