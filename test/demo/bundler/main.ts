/**
 * The bundler as a process: `node bundler/main.ts FOLDER` writes `FOLDER/{version}/agent.mjs`, `launcher.mjs` and
 * `server.mjs` for each release. A process of its own, because bundling takes memory that the demo needs elsewhere, and
 * because the picture is to be drawn meanwhile.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { bundleAgent } from "../../../apps/agent/src/deploy/bundle.ts";
import { RELEASE_PLANS, type ReleasePlan } from "../fleet/releases.ts";
import { WORKLOAD } from "../fleet/sources.ts";

/** Writes the workload's bundle to `file`: its version and its needs become part of it. */
async function bundleWorkload({ version, needs }: ReleasePlan, file: string): Promise<void> {
  const define = { DEMO_VERSION: JSON.stringify(version), DEMO_NEEDS: JSON.stringify(needs) };
  const build = await rolldown({
    input: WORKLOAD,
    platform: "node",
    transform: { define, target: "node26" },
    checks: { pluginTimings: false },
  });
  try {
    await build.write({ file, format: "esm", codeSplitting: false, minify: { compress: true, mangle: false } });
  } finally {
    await build.close();
  }
}

const folder = process.argv[2];
if (folder === undefined) throw new Error("name the folder for the bundles");
for (const plan of Object.values(RELEASE_PLANS)) {
  const outDir = join(folder, plan.version);
  await mkdir(outDir, { recursive: true });
  await bundleAgent({ outDir, version: plan.version });
  await bundleWorkload(plan, join(outDir, "server.mjs"));
}
