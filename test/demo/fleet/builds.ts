/**
 * Makes the demo's builds: bundles agent and workload for each release, then lets `moult release build` put them together
 * with the runtime. The runtime is the same part in all of them, so that a device that moves fetches the others only.
 */
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { promisify } from "node:util";
import { plainEnvironment } from "../harness/environment.ts";
import type { House } from "../harness/house.ts";
import type { RunOperator } from "./operator.ts";
import { NETWORK } from "./plan.ts";
import { type PreparedRelease, RELEASE_PLANS, type ReleasePlan, type Releases } from "./releases.ts";
import { BUNDLER } from "./sources.ts";

/** On trial a workload must serve within this, in milliseconds: it starts in a fifth of a second on an idle core. */
const HEALTH_TIMEOUT_MS = 10_000;
/** And then stay well for this long, in milliseconds. */
const SOAK_MS = 500;
/** A bundler that takes longer hangs, in milliseconds. */
const BUNDLING_MS = 120_000;

/** Builds, and the launcher that goes with them onto a device. */
export interface Builds {
  readonly releases: Releases;
  /** `launcher.mjs`. */
  readonly launcher: string;
}

/** Makes all builds, one after the other: two cores are soon busy. */
export async function makeBuilds(house: House, moult: RunOperator, signal: AbortSignal): Promise<Builds> {
  // A copy, because devices make their parts read-only, and what this process runs from is not the demo's to change.
  const runtime = house.path("runtime");
  await copyFile(process.execPath, runtime, constants.COPYFILE_FICLONE);
  const options = { env: plainEnvironment(process.env), timeout: BUNDLING_MS, signal };
  await promisify(execFile)(process.execPath, [BUNDLER, house.path("bundles")], options);
  await mkdir(house.path("builds"));
  const build = async (plan: ReleasePlan): Promise<PreparedRelease> => {
    const { version } = plan;
    const dir = house.path("builds", version);
    await moult(buildCommand(plan, { runtime, bundles: house.path("bundles", version), dir }));
    return { version, dir };
  };
  const one = await build(RELEASE_PLANS.one);
  const two = await build(RELEASE_PLANS.two);
  const detour = await build(RELEASE_PLANS.detour);
  const three = await build(RELEASE_PLANS.three);
  const launcher = house.path("bundles", one.version, "launcher.mjs");
  return { releases: { one, two, detour, three }, launcher };
}

function buildCommand(
  { version, counter, from }: ReleasePlan,
  { runtime, bundles, dir }: { readonly runtime: string; readonly bundles: string; readonly dir: string },
): string[] {
  const parts = [
    `runtime/node=${runtime}`,
    `agent/agent.mjs=${bundles}/agent.mjs`,
    `workload/server.mjs=${bundles}/server.mjs`,
  ];
  const trial = ["--health-timeout-ms", String(HEALTH_TIMEOUT_MS), "--soak-ms", String(SOAK_MS)];
  return ["release", "build", "--network", NETWORK, "--version", version, "--counter", String(counter)].concat(
    from.flatMap((each) => ["--from", each]),
    parts.flatMap((part) => ["--part", part]),
    ["--workload-command", "{slot}/runtime/node", "{slot}/workload/server.mjs"],
    trial,
    ["--link", "--out", dir],
  );
}
