/**
 * `first-boot.mjs`: makes a flashed box into a device, before its launcher starts. It runs at every boot, does what is
 * missing, and is quick where nothing is; killed at any instant it goes on at the next boot. It decides nothing about
 * builds and talks to nobody.
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { nodeDisk } from "../adapters/node-disk.ts";
import { EXIT_CONFIG, EXIT_FAILED, EXIT_STOPPED } from "../exit-codes.ts";
import { sayToStdout as say } from "../launcher/say.ts";
import { makeDevice } from "./make-device.ts";
import { findOwner } from "./owner.ts";

const HELP = `Makes a flashed box into a device: its configuration, its folder, its factory slot.

Usage: first-boot.mjs --config FILE --factory DIR [--template FILE] [--owner USER]

Options:
  --config FILE    the device's configuration (YAML); made from the template where it is missing
  --factory DIR    the image's factory build
  --template FILE  the image's template of the configuration
  --owner USER     who the device's folder is to belong to; needs root
  --help           print this, and exit

The enrolment token is moved from the configuration into the device's folder, where it is erased once it was accepted.

Exit codes: ${EXIT_STOPPED} done, ${EXIT_CONFIG} there is no configuration, ${EXIT_FAILED} failed.

Example: node first-boot.mjs --config /etc/moult/device.yaml --factory /usr/lib/moult/factory --owner moult
`;

async function main(): Promise<number> {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    options: { config: text, factory: text, template: text, owner: text, help: { type: "boolean" } },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return EXIT_STOPPED;
  }
  const { config, factory, template } = values;
  if (config === undefined || factory === undefined) {
    say("error", "`--config FILE` and `--factory DIR` are needed");
    return EXIT_CONFIG;
  }
  const owner = values.owner === undefined ? undefined : findOwner(await readFile("/etc/passwd", "utf8"), values.owner);
  if (values.owner !== undefined && owner === undefined) {
    say("error", `there is no user ${values.owner}`);
    return EXIT_FAILED;
  }
  return makeDevice(nodeDisk, say, { config, factory, template, owner });
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    say("error", error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(EXIT_FAILED);
  },
);
