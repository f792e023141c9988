/** The body that fits a build's workload. */
import type { WorkBuild } from "../../work/build.ts";
import type { Body } from "../../work/ports.ts";
import type { Premises } from "./find.ts";
import { createHooksBody } from "./hooks-body.ts";
import { createServiceBody } from "./service-body.ts";

/** The body of `build`, whose parts are laid out in `folder`; undefined where there is no workload. */
export function createBody(
  build: WorkBuild,
  folder: string,
  premises: Premises,
  env: Readonly<Record<string, string>>,
): Body | undefined {
  const { workload } = build;
  switch (workload.kind) {
    case "work-service":
      return createServiceBody(build, workload, folder, premises, env);
    case "hooks":
      return createHooksBody(build, workload, folder, premises, env);
    case "none":
      return undefined;
  }
}
