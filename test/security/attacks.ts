/** All attacks, by family. */
import { approval } from "./attacks/approval.ts";
import { access } from "./attacks/access.ts";
import { alteredCoordinator } from "./attacks/altered-coordinator.ts";
import { asks } from "./attacks/asks.ts";
import { brakes } from "./attacks/brakes.ts";
import { enrolment } from "./attacks/enrolment.ts";
import { sessions } from "./attacks/sessions.ts";
import { freshness } from "./attacks/freshness.ts";
import { log } from "./attacks/log.ts";
import { roots } from "./attacks/roots.ts";
import { sizes } from "./attacks/sizes.ts";
import type { Attack } from "./harness/attack.ts";
import type { Row } from "./harness/rows.ts";

export const FAMILIES: Readonly<Record<string, readonly Attack[]>> = {
  sessions,
  enrolment,
  asks,
  access,
  sizes,
  log,
  approval,
  freshness,
  brakes,
  roots,
  "altered-coordinator": alteredCoordinator,
};

/** Rows whose attacks are still to be written. */
export const AWAITED: readonly Row[] = [
  "endless data, slow drip",
  "wrong platform",
  "partial bundle",
  "clock back or forward",
  "power loss mid-swap",
  "health lies, crash loop",
];
