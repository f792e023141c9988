#!/usr/bin/env node
/**
 * The vendor's bench: `bundle --out DIR --version V` writes the agent and the launcher; `provision --build DIR --launcher
 * FILE --config FILE --out DIR` makes a device's folder from a signed build and a configuration.
 */
import { mkdir, readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { parse } from "yaml";
import { bundleAgent } from "./bundle.ts";
import { provisionDevice } from "./provision.ts";

const USAGE = `usage: bundle    --out DIR --version VERSION
       provision --build DIR --launcher FILE --config FILE --out DIR
`;

async function main(): Promise<void> {
  const text = { type: "string" } as const;
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { out: text, version: text, build: text, launcher: text, config: text },
  });
  const { out, version, build, launcher, config } = values;
  const [verb] = positionals;
  if (verb === "bundle" && out !== undefined && version !== undefined) {
    await mkdir(out, { recursive: true });
    const bundles = await bundleAgent({ outDir: out, version });
    process.stdout.write(`${bundles.agent}\n${bundles.launcher}\n`);
    return;
  }
  const complete = out !== undefined && build !== undefined && launcher !== undefined && config !== undefined;
  if (verb === "provision" && complete) {
    const keys = parse(await readFile(config, "utf8")) as Record<string, unknown>;
    const device = await provisionDevice({ deviceDir: out, buildDir: build, launcher, config: keys });
    process.stdout.write(`${device.configFile}\n`);
    return;
  }
  process.stderr.write(USAGE);
  process.exitCode = 2;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
