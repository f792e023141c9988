/** All attacks, by family. */
import { access } from "./attacks/access.ts";
import { DEVICE_FAMILIES } from "./device-attacks.ts";
import { asks } from "./attacks/asks.ts";
import { enrolment } from "./attacks/enrolment.ts";
import { sessions } from "./attacks/sessions.ts";
import { log } from "./attacks/log.ts";
import { sizes } from "./attacks/sizes.ts";
import type { Attack } from "./harness/attack.ts";
import type { Row } from "./harness/rows.ts";

export const FAMILIES: Readonly<Record<string, readonly Attack[]>> = {
  ...DEVICE_FAMILIES,
  sessions,
  enrolment,
  asks,
  access,
  sizes,
  log,
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
