/** All policies by name, in the order of the scoreboard. */
import type { Policy } from "../engine/controller.ts";
import { disruptionBudget, semaphoreOne, semaphoreShare, share } from "./counting.ts";
import { loadAware, loadAwareMargin } from "./load-aware.ts";
import { moult } from "./moult.ts";
import { oracle } from "./oracle.ts";

/** The policies. */
export const POLICIES: readonly Policy[] = [
  disruptionBudget(1),
  disruptionBudget(10),
  semaphoreOne,
  semaphoreShare(1),
  semaphoreShare(5),
  share,
  loadAware,
  loadAwareMargin,
  moult,
  oracle,
];

/** A policy that does not exist. */
export class UnknownPolicy extends Error {
  override readonly name = "UnknownPolicy";
}

/** The policy of that name. Throws UnknownPolicy, which says what there is. */
export function policyNamed(name: string): Policy {
  const policy = POLICIES.find((candidate) => candidate.name === name);
  if (policy !== undefined) return policy;
  throw new UnknownPolicy(`no policy is called ${name}; there are ${POLICIES.map((known) => known.name).join(", ")}`);
}
