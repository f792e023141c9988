/** All attacks, by family. */
import { access } from "./attacks/access.ts";
import { asks } from "./attacks/asks.ts";
import { enrolment } from "./attacks/enrolment.ts";
import { sessions } from "./attacks/sessions.ts";
import type { Attack } from "./harness/attack.ts";

export const FAMILIES: Readonly<Record<string, readonly Attack[]>> = {
  sessions,
  enrolment,
  asks,
  access,
};
