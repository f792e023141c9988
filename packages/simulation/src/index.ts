/**
 * The simulator: seeded worlds in which rollout policies, the product's among them, are run and judged. Pure but for the
 * command line and its threads; it drives `@moult/policy` through the same calls as the coordinator.
 */
export {
  type FleetForecast,
  type FleetNode,
  type FleetPool,
  FleetError,
  type PoolForecast,
  type WhatIf,
  simulateFleet,
} from "./fleet/what-if.ts";
export { Progress, type Terminal } from "./cli/progress.ts";
export type { Controller, Policy } from "./engine/controller.ts";
export { POLICIES, UnknownPolicy, policyNamed } from "./policies/index.ts";
export { type Part, runPart } from "./score/part.ts";
export type { Row } from "./score/row.ts";
export { type Scoreboard, runScoreboard } from "./score/scoreboard.ts";
export { type WorldOptions, worldOptions } from "./world/options.ts";
export {
  type ImageFile,
  type ImageFolder,
  type ImageNode,
  type Normal,
  digestOfImage,
  diskOf,
  imageAt,
} from "./disk/image.ts";
export { ModelDisk, type OnOperation } from "./disk/model-disk.ts";
export { type CutOptions, type Outcome, outcomesOf, settledImage } from "./disk/outcomes.ts";
export { type DiskState, emptyDisk } from "./disk/state.ts";
