/** What the ledger takes of what is carried: which builds are listed and how, and which brakes hold. */
import { type Ledger, type Release, type Step, applyList, setSignedBrakes } from "@moult/policy";
import type { AllowedBuild } from "@moult/trust/tuf";
import type { Carried } from "./carried.ts";

const NO_BUILDS: ReadonlyMap<string, AllowedBuild> = new Map();

/** The builds of the published list; none before the first. */
export function listedBuilds({ allowlist }: Carried): ReadonlyMap<string, AllowedBuild> {
  return allowlist?.builds ?? NO_BUILDS;
}

/** Narrows the ledger: builds that are not listed are not offered, brakes that hold refuse. Answers the releases that changed. */
export function narrow(ledger: Ledger, carried: Carried, now: number): Step<readonly Release[]> {
  const brakes = carried.brakes.inForce(now);
  setSignedBrakes(
    ledger,
    brakes.map(({ digest, reason, expiresAtMs }) => ({ digest, reason, expiresAtMs })),
  );
  return applyList(ledger, listedBuilds(carried));
}
