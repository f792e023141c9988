/** All attacks, by family. */
import { access } from "./attacks/access.ts";
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
  sessions,
  enrolment,
  asks,
  access,
  sizes,
  floods,
  log: [...log, ...witness],
  operators,
  carried,
  anomalies,
  device,
};

/** Rows whose attacks are still to be written. */
export const AWAITED: readonly Row[] = [
  "unapproved digest",
  "one council key",
  "same key under two ids",
  "duplicate signatures",
  "threshold 0",
  "small-order key",
  "malleable or truncated signature",
  "old metadata",
  "old image with a valid verdict",
  "recalled build",
  "stale timestamp",
  "version at maximum",
  "mixed metadata",
  "everyone at once",
  "brake suppressed",
  "breaker tries to approve or resume",
  "brake for ever",
  "root skips a version or lacks the old threshold",
  "far-future signed time",
  "pinned server key lost",
];
