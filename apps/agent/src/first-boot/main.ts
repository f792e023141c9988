/**
 * `first-boot.mjs`: makes a flashed box into a device, before its launcher starts. It runs at every boot, does what is
 * missing, and is quick where nothing is; killed at any instant it goes on at the next boot. It decides nothing about
 * builds and talks to nobody.
 */
import { chmod, chown, readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { type Disk, SlotStore, makeFoldersDurably } from "@moult/slots";
import { systemChance } from "../adapters/clock.ts";
import { storeEnrollmentToken } from "../adapters/enrollment-token.ts";
import { nodeDisk } from "../adapters/node-disk.ts";
import { EXIT_CONFIG, EXIT_FAILED, EXIT_STOPPED } from "../exit-codes.ts";
import { sayToStdout as say } from "../launcher/say.ts";
import { readLauncherSettings } from "../launcher/settings.ts";
import { deviceLayout } from "../layout.ts";
import { ensureConfig, readConfig, replaceFile, splitConfig } from "./config-file.ts";
import { makeFactorySlot } from "./factory.ts";
import { type Owner, findOwner } from "./owner.ts";

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

/** The configuration is its owner's and the agent's to read, nobody else's. */
const CONFIG_MODE = 0o640;

interface Told {
  readonly config: string;
  readonly factory: string;
  readonly template: string | undefined;
  readonly owner: Owner | undefined;
}

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
  return makeDevice(nodeDisk, { config, factory, template, owner });
}

async function makeDevice(disk: Disk, { config, factory, template, owner }: Told): Promise<number> {
  if (template !== undefined && (await ensureConfig(disk, template, config))) say("info", `made ${config}`);
  const whole = await readConfig(disk, config);
  if (whole === undefined) {
    say("error", `there is no configuration at ${config}`);
    return EXIT_CONFIG;
  }
  const { deviceDir } = readLauncherSettings(config, whole, process.env);
  const { token, rest } = splitConfig(whole);
  const store = new SlotStore(disk, deviceDir, systemChance.freshId);
  if (owner !== undefined) await handOver(disk, deviceDir, owner);
  const made = await as(owner, async () => {
    await store.prepare();
    if (token !== "") await storeEnrollmentToken(disk, deviceLayout(deviceDir).enrollmentTokenFile, token);
    return makeFactorySlot(disk, store, factory);
  });
  if (made.linked) say("info", `the factory slot is ${factory}`);
  if (made.partsCopied > 0) say("info", `${made.partsCopied} parts were copied into the store`);
  await closeConfig(disk, config, token === "" ? undefined : rest, owner);
  return EXIT_STOPPED;
}

/** Only once the token is safe in its place does it leave the configuration. */
async function closeConfig(
  disk: Disk,
  config: string,
  rest: string | undefined,
  owner: Owner | undefined,
): Promise<void> {
  if (rest !== undefined) await replaceFile(disk, config, Buffer.from(rest));
  if (owner === undefined) return;
  await chown(config, 0, owner.groupId);
  await chmod(config, CONFIG_MODE);
}

/** The device's folder itself is made by root and given away. */
async function handOver(disk: Disk, deviceDir: string, { userId, groupId }: Owner): Promise<void> {
  await makeFoldersDurably(disk, deviceDir);
  await chown(deviceDir, userId, groupId);
}

/** Does it as `owner`, so that all it makes is the owner's; then is root again. */
async function as<T>(owner: Owner | undefined, work: () => Promise<T>): Promise<T> {
  if (owner === undefined) return work();
  process.setegid?.(owner.groupId);
  process.seteuid?.(owner.userId);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    say("error", error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(EXIT_FAILED);
  },
);
