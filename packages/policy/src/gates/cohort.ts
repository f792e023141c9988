/**
 * The council's bound within gate 2: whether a node is inside the share that may move by now. Devices work it out for
 * themselves, in the same whole numbers; asking it here saves them a pull that they would not install.
 */
import { refuseUntil } from "../domain/said.ts";
import type { Cohort } from "../domain/release.ts";
import type { GateResult } from "../domain/verdict.ts";
import { isWithinPpm } from "./share.ts";

const PPM_PER_PERCENT = 10_000;

/** The refusal of a node that is outside at `now`; undefined where it is inside, or nothing is bound. */
export function outsideCohort(cohort: Cohort | undefined, nodeId: string, now: number): GateResult | undefined {
  if (cohort === undefined) return undefined;
  const { seed, steps } = cohort;
  const step = steps.findLast(({ notBeforeMs }) => notBeforeMs <= now);
  const sharePpm = step?.sharePpm ?? 0;
  if (isWithinPpm(seed, nodeId, sharePpm)) return undefined;
  const next = steps.find((later) => later.notBeforeMs > now && isWithinPpm(seed, nodeId, later.sharePpm));
  const words = (): string => {
    const share = `outside the ${sharePpm / PPM_PER_PERCENT} % of the fleet that the council lets move by now`;
    return next === undefined ? share : `${share}; inside from ${new Date(next.notBeforeMs).toISOString()}`;
  };
  const head = { gate: "DIAL", reason: "OUTSIDE_COHORT" } as const;
  return refuseUntil(next?.notBeforeMs, head, words, () => [{ name: "share_ppm", value: sharePpm }]);
}
