/** The attacks on metadata, in families. Each is carried out on the mirror of a small network. */
import type { Attack } from "./attack.ts";
import { CANONICAL_ATTACKS } from "./attacks-bytes.ts";
import { FORM_ATTACKS } from "./attacks-form.ts";
import { KEY_ATTACKS } from "./attacks-keys.ts";
import { ORDER_ATTACKS } from "./attacks-order.ts";
import { STATEMENT_ATTACKS } from "./attacks-statements.ts";

/** By family. */
export const ATTACKS: Readonly<Record<string, readonly Attack[]>> = {
  keys: KEY_ATTACKS,
  bytes: CANONICAL_ATTACKS,
  form: FORM_ATTACKS,
  order: ORDER_ATTACKS,
  statements: STATEMENT_ATTACKS,
};
