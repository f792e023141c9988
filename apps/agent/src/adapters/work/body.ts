/** The body that fits a build's workload. */
import type { WorkSettings } from "../../config/settings.ts";
import type { WorkBuild } from "../../work/build.ts";
import type { Body } from "../../work/ports.ts";
import { endOtherWork } from "./find.ts";
import { createHooksBody } from "./hooks-body.ts";
import { createServiceBody } from "./service-body.ts";
import { type UnitPremises, createUnitBody, stopOtherUnit } from "./unit-body.ts";

/** The body of `build`, whose parts are laid out in `folder`; undefined where there is no workload. */
export function createBody(
  build: WorkBuild,
  folder: string,
  premises: UnitPremises,
  { runner, env }: Pick<WorkSettings, "runner" | "env">,
): Body | undefined {
  const { workload } = build;
  switch (workload.kind) {
    case "work-service":
      if (runner === "unit") return createUnitBody(build, workload, folder, premises, env);
      return createServiceBody(build, workload, folder, premises, env);
    case "hooks":
      return createHooksBody(build, workload, folder, premises, env);
    case "none":
      return undefined;
  }
}

/** Ends whatever workload of this device runs, but for that of `identity`, whoever started it. Throws WorkError, DiskError. */
export async function clearOthers(
  premises: UnitPremises,
  runner: WorkSettings["runner"],
  identity: string,
): Promise<void> {
  await stopOtherUnit(premises, runner === "unit" ? identity : undefined);
  await endOtherWork(premises, identity, premises.stopGraceMs);
}
