/** Bundles the agent and the launcher into one file each, for the runtime that a build brings along. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { rolldown } from "rolldown";

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
}

const SOURCES = join(import.meta.dirname, "..");

/** Writes `agent.mjs` and `launcher.mjs` into a folder. Equal sources and versions give equal bytes. */
export async function bundleAgent({ outDir, version }: BundleOptions): Promise<Bundles> {
  const agent = join(outDir, "agent.mjs");
  const launcher = join(outDir, "launcher.mjs");
  const define = { MOULT_AGENT_VERSION: JSON.stringify(version) };
  await Promise.all([
    bundle(join(SOURCES, "main.ts"), agent, define),
    bundle(join(SOURCES, "launcher", "main.ts"), launcher, {}),
  ]);
  return { agent, launcher };
}

/**
 * One letter beyond Latin-1, and V8 keeps the whole source with two bytes for each: a megabyte of an idle agent. Code of
 * ours and of libraries has such letters in literals only, where an escape means the same.
 */
function asciiOnly(code: string): string {
  return code.replaceAll(/[\u0080-\uffff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

async function bundle(input: string, file: string, define: Record<string, string>): Promise<void> {
  const build = await rolldown({
    input,
    platform: "node",
    transform: { define, target: "node26" },
    resolve: { alias: { "@grpc/proto-loader": join(import.meta.dirname, "no-proto-loader.ts") } },
    checks: { pluginTimings: false },
  });
  try {
    const { output } = await build.generate({ format: "esm", codeSplitting: false, minify: true });
    await writeFile(file, asciiOnly(output[0].code));
  } finally {
    await build.close();
  }
}
