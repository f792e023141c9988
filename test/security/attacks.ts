/** All attacks, by family. */
import { access } from "./attacks/access.ts";
import { DEVICE_FAMILIES } from "./device-attacks.ts";
import { asks } from "./attacks/asks.ts";
import { enrolment } from "./attacks/enrolment.ts";
import { sessions } from "./attacks/sessions.ts";
import { log } from "./attacks/log.ts";
import { anomalies } from "./attacks/anomalies.ts";
import { device } from "./attacks/device.ts";
import { carried } from "./attacks/carried.ts";
import { operators } from "./attacks/operators.ts";
import { witness } from "./attacks/witness.ts";
import { floods } from "./attacks/floods.ts";
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
  log: [...log, ...witness],
  floods,
  operators,
  carried,
  anomalies,
  device,
};

/** Rows whose attacks are still to be written. */
export const AWAITED: readonly Row[] = [];
