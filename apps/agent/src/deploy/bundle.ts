/** Bundles what runs on a device into one file each, for the runtime that a build brings along. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type RolldownPluginOption, rolldown } from "rolldown";
import { type Component, componentsOf } from "./components.ts";
import { fewHostFacts } from "./few-host-facts.ts";

/** What was written. */
export interface Bundles {
  /** `agent.mjs`: the agent's part of a build. */
  readonly agent: string;
  /** `launcher.mjs`: what is flashed. */
  readonly launcher: string;
  /** `first-boot.mjs`: makes a flashed box into a device. */
  readonly firstBoot: string;
  /** `components.json`: which libraries are in which of them. */
  readonly components: string;
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

/** Content of `components.json`: for each bundle's file name, the libraries in it. */
export type BundledComponents = Readonly<Record<string, readonly Component[]>>;

const SOURCES = join(import.meta.dirname, "..");

/** Writes the bundles into a folder. Equal sources and versions give equal bytes. */
export async function bundleAgent({ outDir, version, plugins = [] }: BundleOptions): Promise<Bundles> {
  const agent = join(outDir, "agent.mjs");
  const launcher = join(outDir, "launcher.mjs");
  const firstBoot = join(outDir, "first-boot.mjs");
  const components = join(outDir, "components.json");
  const define = { MOULT_AGENT_VERSION: JSON.stringify(version) };
  const [ofAgent, ofLauncher, ofFirstBoot] = await Promise.all([
    bundle(join(SOURCES, "main.ts"), agent, define, plugins),
    bundle(join(SOURCES, "launcher", "main.ts"), launcher, {}, plugins),
    bundle(join(SOURCES, "first-boot", "main.ts"), firstBoot, {}, plugins),
  ]);
  const named: BundledComponents = {
    "agent.mjs": ofAgent,
    "first-boot.mjs": ofFirstBoot,
    "launcher.mjs": ofLauncher,
  };
  await writeFile(components, `${JSON.stringify(named, undefined, 2)}\n`);
  return { agent, launcher, firstBoot, components };
}

/**
 * One letter beyond Latin-1, and V8 keeps the whole source with two bytes for each: a megabyte of an idle agent. Code of
 * ours and of libraries has such letters in literals only, where an escape means the same.
 */
function asciiOnly(code: string): string {
  return code.replaceAll(/[\u0080-\uffff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

async function bundle(
  input: string,
  file: string,
  define: Record<string, string>,
  plugins: readonly RolldownPluginOption[],
): Promise<readonly Component[]> {
  const build = await rolldown({
    input,
    platform: "node",
    transform: { define, target: "node26" },
    resolve: { alias: { "@grpc/proto-loader": join(import.meta.dirname, "no-proto-loader.ts") } },
    plugins: [fewHostFacts, ...plugins],
    checks: { pluginTimings: false },
  });
  try {
    const { output } = await build.generate({ format: "esm", codeSplitting: false, minify: true });
    await writeFile(file, asciiOnly(output[0].code));
    return componentsOf(output.flatMap((chunk) => (chunk.type === "chunk" ? chunk.moduleIds : [])));
  } finally {
    await build.close();
  }
}
