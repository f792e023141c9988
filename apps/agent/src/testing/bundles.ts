/**
 * The bundled agent and launcher for tests of whole devices, made once for each way of making them. A mutant is a bundle
 * with one line of the sources replaced: a defence taken out, so that a test can show that it would notice.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

/** The texts of the bundles. */
interface Texts {
  readonly launcher: string;
  readonly agent: string;
  readonly workload: string;
}

const made = new Map<string, Promise<Texts>>();

/**
 * The bundles, with the patch in them where one is given; those that are run as they are lie in `folder`. Throws where the
 * patch does not fit the sources.
 */
export async function testBundles(folder: string, patch?: Patch): Promise<TestBundles> {
  const { agent, ...programs } = await texts(patch);
  const place = (name: "launcher" | "workload"): string => {
    const path = join(folder, `${name}.mjs`);
    writeFileSync(path, programs[name]);
    return path;
  };
  return {
    launcher: place("launcher"),
    workload: place("workload"),
    agent: (version) => agent.replaceAll(VERSION_MARK, version),
  };
}

function texts(patch: Patch | undefined): Promise<Texts> {
  const key = JSON.stringify(patch ?? null);
  const known = made.get(key) ?? make(patch);
  made.set(key, known);
  return known;
}

async function make(patch: Patch | undefined): Promise<Texts> {
  const folder = mkdtempSync(join(tmpdir(), "mlt-bundles-"));
  try {
    return await bundleIn(folder, patch);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function bundleIn(folder: string, patch: Patch | undefined): Promise<Texts> {
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
    patch === undefined ? bundleWorkload(folder) : (await texts(undefined)).workload,
  ]);
  if (patch !== undefined && applied === 0) throw new Error(`no bundle has ${patch.file}`);
  return { workload, launcher: readFileSync(launcher, "utf8"), agent: readFileSync(agent, "utf8") };
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
  return readFileSync(file, "utf8");
}
