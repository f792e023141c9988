#!/usr/bin/env node
/** The vendor's bench: bundles the agent and the launcher, and makes a device's folder from a signed build. */
import { mkdir, readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { parse } from "yaml";
import { bundleAgent } from "./bundle.ts";
import { provisionDevice } from "./provision.ts";

const HELP = `Makes what a vendor flashes.

Usage:
  moult-device bundle    --version VERSION --out DIR
  moult-device provision --build DIR --launcher FILE --config FILE --out DIR

Commands:
  bundle      writes agent.mjs and launcher.mjs, one file each
  provision   makes a device's folder: the factory slot from a signed build, the launcher, the configuration

Options:
  --version VERSION  the agent's version
  --build DIR        a signed build, as \`moult release build\` and \`moult release sign\` leave it
  --launcher FILE    launcher.mjs, as bundled
  --config FILE      the device's configuration (YAML)
  --out DIR          where to write
  -o, --output FORM  text (default) or json
  --help             print this, and exit

Exit codes: 0 done, 1 failed, 2 the command line is wrong.

Example:
  moult-device bundle --version 1.0.0 --out bundle
  moult-device provision --build build-1.0.0 --launcher bundle/launcher.mjs --config device.yaml --out device
`;

const EXIT_USAGE = 2;

/** The command line cannot be used. */
class UsageError extends Error {
  override readonly name = "UsageError";
}

async function main(): Promise<void> {
  const text = { type: "string" } as const;
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      out: text,
      version: text,
      build: text,
      launcher: text,
      config: text,
      output: { type: "string", short: "o", default: "text" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return;
  }
  const need = (name: "out" | "version" | "build" | "launcher" | "config"): string => {
    const value = values[name];
    if (value !== undefined) return value;
    throw new UsageError(`${positionals[0]} needs --${name}; see moult-device --help`);
  };
  const say = (facts: Readonly<Record<string, string>>): void => {
    const lines = Object.values(facts).map((value) => `${value}\n`);
    process.stdout.write(values.output === "json" ? `${JSON.stringify(facts)}\n` : lines.join(""));
  };
  switch (positionals[0]) {
    case "bundle": {
      const [out, version] = [need("out"), need("version")];
      await mkdir(out, { recursive: true });
      const { agent, launcher } = await bundleAgent({ outDir: out, version });
      return say({ agent, launcher });
    }
    case "provision": {
      const [build, launcher, config, out] = [need("build"), need("launcher"), need("config"), need("out")];
      const keys = parse(await readFile(config, "utf8")) as Record<string, unknown>;
      const device = await provisionDevice({ deviceDir: out, buildDir: build, launcher, config: keys });
      return say({ configFile: device.configFile, launcher: device.launcher, digest: device.digest });
    }
    default:
      throw new UsageError("say bundle or provision; see moult-device --help");
  }
}

main().catch((error: unknown) => {
  const usage =
    error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS") === true;
  process.stderr.write(`moult-device: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = usage ? EXIT_USAGE : 1;
});
