#!/usr/bin/env node
/** The vendor's bench: bundles the agent and the launcher, and makes devices' folders and images from a build. */
import { mkdir, readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { parse } from "yaml";
import { bundleAgent } from "./bundle.ts";
import { makeImage } from "./image/image.ts";
import { fetchRuntime } from "./image/runtime.ts";
import { provisionDevice } from "./provision.ts";

const HELP = `Makes what a vendor flashes.

Usage:
  moult-device bundle    --version VERSION --out DIR
  moult-device provision --build DIR --launcher FILE --config FILE --out DIR
  moult-device runtime   --platform PLATFORM --out FILE
  moult-device image     --platform PLATFORM --build DIR --bundle DIR --config FILE --out DIR

Commands:
  bundle      writes agent.mjs, launcher.mjs and first-boot.mjs, one file each, and which libraries are in them
  provision   makes a device's folder: the factory slot from a build, the launcher, the configuration
  runtime     fetches the pinned runtime of a platform from npm, and checks it
  image       makes what a vendor flashes: an archive, a Debian package, their bill of materials (CycloneDX)

Options:
  --version VERSION  the agent's version
  --build DIR        a build, as \`moult release build\` leaves it
  --launcher FILE    launcher.mjs, as bundled
  --config FILE      the device's configuration (YAML)
  --platform PLATFORM  linux-arm64 or linux-x64
  --bundle DIR       what \`moult-device bundle\` wrote
  --ca FILE          the authority of the coordinators' certificates (PEM); goes into the image
  --root FILE        the network's root of trust, as \`moult root init\` makes it; goes into the folder or the image
  --enrollment-token-file FILE
                     a batch's token; goes into DIR/device.yaml, a configuration beside the image
  --vendor TEXT      who hands the package out, as in "Example Boxes <boxes@example.com>"
  --out DIR          where to write
  -o, --output FORM  text (default) or json
  --help             print this, and exit

SOURCE_DATE_EPOCH in the environment, in seconds since 1970, is when an image says it was made. The same input gives the
same bytes.

Exit codes: 0 done, 1 failed, 2 the command line is wrong.

Example:
  moult-device bundle --version 1.0.0 --out bundle
  moult-device provision --build build-1.0.0 --launcher bundle/launcher.mjs --root root.json --config device.yaml --out device
  moult-device runtime --platform linux-arm64 --out node-arm64
  moult-device image --platform linux-arm64 --build build-1.0.0-arm64 --bundle bundle --config device.yaml --ca ca.pem --root root.json --out image
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
      platform: text,
      bundle: text,
      ca: text,
      root: text,
      "enrollment-token-file": text,
      vendor: text,
      output: { type: "string", short: "o", default: "text" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return;
  }
  const need = (name: "out" | "version" | "build" | "bundle" | "launcher" | "config" | "platform"): string => {
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
      return say({ ...(await bundleAgent({ outDir: out, version })) });
    }
    case "provision": {
      const [build, launcher, config, out] = [need("build"), need("launcher"), need("config"), need("out")];
      const keys = parse(await readFile(config, "utf8")) as Record<string, unknown>;
      const root = await readOptional(values.root);
      const device = await provisionDevice({
        deviceDir: out,
        buildDir: build,
        launcher,
        config: keys,
        ...(root && { root }),
      });
      return say({ configFile: device.configFile, launcher: device.launcher, digest: device.digest });
    }
    case "runtime": {
      const [platform, file] = [need("platform"), need("out")];
      await fetchRuntime(platform, file);
      return say({ file });
    }
    case "image": {
      const { ca, "enrollment-token-file": tokenFile, vendor = "unnamed vendor" } = values;
      const image = await makeImage({
        platform: need("platform"),
        buildDir: need("build"),
        bundleDir: need("bundle"),
        outDir: need("out"),
        config: parse(await readFile(need("config"), "utf8")) as Record<string, unknown>,
        ca: await readOptional(ca),
        root: await readOptional(values.root),
        enrollmentToken: tokenFile === undefined ? undefined : (await readFile(tokenFile, "utf8")).trim(),
        vendor,
        builtAtS: sourceDateEpoch(process.env["SOURCE_DATE_EPOCH"]),
      });
      const { config, ...facts } = image;
      return say({ ...facts, ...(config !== undefined && { config }) });
    }
    default:
      throw new UsageError("say bundle, provision, runtime or image; see moult-device --help");
  }
}

/** The file that an option names; undefined where it is not given. */
async function readOptional(file: string | undefined): Promise<Uint8Array | undefined> {
  return file === undefined ? undefined : readFile(file);
}

/** As reproducible-builds.org specifies it; undefined where it is not set. */
function sourceDateEpoch(value: string | undefined): number | undefined {
  if (value === undefined || value === "") return undefined;
  if (/^[0-9]{1,11}$/.test(value)) return Number(value);
  throw new UsageError("SOURCE_DATE_EPOCH must be whole seconds since 1970");
}

main().catch((error: unknown) => {
  const usage =
    error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS") === true;
  process.stderr.write(`moult-device: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = usage ? EXIT_USAGE : 1;
});
