/** The scenario as a list of steps: the one that is shown, and the one with gate 3 forced open. */
import type { Council } from "../fleet/council.ts";
import { badReleaseStep, brakeStep } from "./bad-release.ts";
import { bringUpStep } from "./bring-up.ts";
import { detourStep } from "./detour.ts";
import { dialNobodyStep } from "./dial-nobody.ts";
import { everyoneStep } from "./everyone.ts";
import { everybodyReadyStep, overrideStep } from "./forced.ts";
import { publishStep } from "./publish.ts";
import { loadFallsStep, refusedByCapacityStep } from "./two-nodes.ts";
import type { ScenarioStep } from "./world.ts";

/** A release moves through the fleet, and a bad one does not. */
export function scenario(council: Council): readonly ScenarioStep[] {
  return [
    bringUpStep,
    publishStep(council),
    dialNobodyStep,
    refusedByCapacityStep,
    loadFallsStep,
    everyoneStep,
    detourStep(council),
    badReleaseStep(council),
    brakeStep,
  ];
}

/** The same fleet without gate 3. */
export function forcedScenario(council: Council): readonly ScenarioStep[] {
  return [bringUpStep, publishStep(council), everybodyReadyStep, overrideStep(council)];
}
