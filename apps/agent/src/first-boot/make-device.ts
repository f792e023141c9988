/**
 * The steps from a flashed box to a device, in the order in which a power cut may fall between any two of them: the token
 * is safe in its new place before it leaves the old one, and the slot is there before the copies of its parts.
 */
import { chmod, chown } from "node:fs/promises";
import { type Disk, SlotStore, makeFoldersDurably } from "@moult/slots";
import { systemChance } from "../adapters/clock.ts";
import { storeEnrollmentToken } from "../adapters/enrollment-token.ts";
import { EXIT_CONFIG, EXIT_STOPPED } from "../exit-codes.ts";
import type { Say } from "../launcher/say.ts";
import { readLauncherSettings } from "../launcher/settings.ts";
import { deviceLayout } from "../layout.ts";
import { ensureConfig, readConfig, replaceFile, splitConfig } from "./config-file.ts";
import { makeFactorySlot } from "./factory.ts";
import type { Owner } from "./owner.ts";

/** The configuration is its owner's and the agent's to read, nobody else's. */
const CONFIG_MODE = 0o640;

/** What a device is made of; paths on the box. */
export interface Told {
  readonly config: string;
  readonly factory: string;
  readonly template: string | undefined;
  readonly owner: Owner | undefined;
}

/**
 * Does what is missing; returns the exit code. An interruption anywhere leaves nothing that the next time does not mend.
 * Throws DiskError, PartError or FactoryUnreadable.
 */
export async function makeDevice(disk: Disk, say: Say, { config, factory, template, owner }: Told): Promise<number> {
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
  await as(owner, async () => {
    await store.prepare();
    if (token !== "") await storeEnrollmentToken(disk, deviceLayout(deviceDir).enrollmentTokenFile, token);
    await forgetWork(disk, deviceDir);
  });
  // Before anything that a full disk or a damaged image may end: an agent that cannot read its configuration does nothing.
  await closeConfig(disk, config, token === "" ? undefined : rest, owner);
  const made = await as(owner, () => makeFactorySlot(disk, store, factory));
  if (made.linked) say("info", `the factory slot is ${factory}`);
  if (made.partsCopied > 0) say("info", `${made.partsCopied} parts were copied into the store`);
  return EXIT_STOPPED;
}

/** What was wanted before the boot is wanted by nobody now; the units would start it, or end what is not there. */
async function forgetWork(disk: Disk, deviceDir: string): Promise<void> {
  const { workWanted, workUnwanted } = deviceLayout(deviceDir);
  await disk.removeFile(workWanted);
  await disk.removeFile(workUnwanted);
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
