/**
 * The bundled agent and launcher for tests of whole devices, made once for each way of making them. A mutant is a bundle
 * with one line of the sources replaced: a defence taken out, so that a test can show that it would notice.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { bundleAgent } from "../deploy/bundle.ts";

/** One replacement in one source. */
export interface Patch {
  /** The end of the source's path, as in `update/moves.ts`. */
  readonly file: string;
  /** Stands exactly once in the source. */
  readonly from: string;
  readonly to: string;
}

/** What a device is made of. */
export interface TestBundles {
  /** Path of `launcher.mjs`. */
  readonly launcher: string;
  /** The text of `agent.mjs` of a version. */
  readonly agent: (version: string) => string;
  /** Path of the test workload as one file. */
  readonly workload: string;
}

/** Stands in the bundle where the version goes, so that one bundling serves all versions. */
const VERSION_MARK = "version-of-this-agent";

const made = new Map<string, Promise<TestBundles>>();
const folders: string[] = [];
process.on("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** The bundles, with the patch in them where one is given. Throws where the patch does not fit the sources. */
export function testBundles(patch?: Patch): Promise<TestBundles> {
  const key = JSON.stringify(patch ?? null);
  const known = made.get(key) ?? make(patch);
  made.set(key, known);
  return known;
}

async function make(patch: Patch | undefined): Promise<TestBundles> {
  const folder = mkdtempSync(join(tmpdir(), "mlt-bundles-"));
  folders.push(folder);
  let applied = 0;
  const plugin = {
    name: "patch",
    transform(code: string, id: string): string | undefined {
      if (patch === undefined || !id.endsWith(`/${patch.file}`)) return undefined;
      if (code.split(patch.from).length !== 2) throw new Error(`${patch.from} does not stand once in ${patch.file}`);
      applied += 1;
      return code.replace(patch.from, () => patch.to);
    },
  };
  const [{ agent, launcher }, workload] = await Promise.all([
    bundleAgent({ outDir: folder, version: VERSION_MARK, plugins: [plugin] }),
    patch === undefined ? bundleWorkload(folder) : (await testBundles()).workload,
  ]);
  if (patch !== undefined && applied === 0) throw new Error(`no bundle has ${patch.file}`);
  const text = readFileSync(agent, "utf8");
  return { launcher, workload, agent: (version) => text.replaceAll(VERSION_MARK, version) };
}

/** As one file the workload starts in a fraction of the time its sources take. */
async function bundleWorkload(folder: string): Promise<string> {
  const file = join(folder, "workload.mjs");
  const build = await rolldown({
    input: join(import.meta.dirname, "work-program", "main.ts"),
    platform: "node",
    checks: { pluginTimings: false },
  });
  try {
    await build.write({ file, format: "esm", codeSplitting: false });
  } finally {
    await build.close();
  }
  return file;
}
