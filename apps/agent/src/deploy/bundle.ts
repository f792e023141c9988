/** Bundles the agent and the launcher into one file each, for the runtime that a build brings along. */
import { join } from "node:path";
import { type RolldownPluginOption, rolldown } from "rolldown";
import { fewHostFacts } from "./few-host-facts.ts";

/** What was written. */
export interface Bundles {
  /** `agent.mjs`: the agent's part of a build. */
  readonly agent: string;
  /** `launcher.mjs`: what is flashed. */
  readonly launcher: string;
}

/** What to bundle. */
export interface BundleOptions {
  /** An existing folder. */
  readonly outDir: string;
  /** Put into the agent, so that the bundles of two versions differ. */
  readonly version: string;
  /** Change sources on their way into the bundles; for tests that take a defence out. */
  readonly plugins?: readonly RolldownPluginOption[];
}

const SOURCES = join(import.meta.dirname, "..");

/** Writes `agent.mjs` and `launcher.mjs` into a folder. Equal sources and versions give equal bytes. */
export async function bundleAgent({ outDir, version, plugins = [] }: BundleOptions): Promise<Bundles> {
  const agent = join(outDir, "agent.mjs");
  const launcher = join(outDir, "launcher.mjs");
  const define = { MOULT_AGENT_VERSION: JSON.stringify(version) };
  await Promise.all([
    bundle(join(SOURCES, "main.ts"), agent, define, plugins),
    bundle(join(SOURCES, "launcher", "main.ts"), launcher, {}, plugins),
  ]);
  return { agent, launcher };
}

async function bundle(
  input: string,
  file: string,
  define: Record<string, string>,
  plugins: readonly RolldownPluginOption[],
): Promise<void> {
  const build = await rolldown({
    input,
    platform: "node",
    transform: { define, target: "node26" },
    resolve: { alias: { "@grpc/proto-loader": join(import.meta.dirname, "no-proto-loader.ts") } },
    plugins: [fewHostFacts, ...plugins],
    checks: { pluginTimings: false },
  });
  try {
    await build.write({ file, format: "esm", codeSplitting: false, minify: true });
  } finally {
    await build.close();
  }
}
