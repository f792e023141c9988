/**
 * Makes a device's folder: the factory slot from a signed build, the launcher, the configuration. What a vendor's image
 * holds after flashing. Parts are hard links where the build lies on the same disk, so a device costs next to nothing.
 */
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type SlotContents, SlotStore, checkSlot } from "@moult/slots";
import { type VerifiedManifest, verifySignedManifest } from "@moult/trust";
import { systemChance } from "../adapters/clock.ts";
import { storeEnrollmentToken } from "../adapters/enrollment-token.ts";
import { nodeDisk } from "../adapters/node-disk.ts";
import { contentsOf } from "../build/identity.ts";
import { loadConfig } from "../config/config.ts";
import { deviceLayout } from "../layout.ts";
import { placePart } from "./place-part.ts";
import { stringify } from "yaml";

/** What a device is made of. */
export interface ProvisionOptions {
  /** The device's folder; must not exist yet, or be empty. */
  readonly deviceDir: string;
  /** A build directory with `signed.json` and `parts/`. */
  readonly buildDir: string;
  /** `launcher.mjs`, as bundled. */
  readonly launcher: string;
  /** The keys of `device.yaml`, as documented in the agent's configuration; `device_dir` is set here, and the token is put where the device can erase it. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** A device that can be started. */
export interface ProvisionedDevice {
  readonly deviceDir: string;
  /** To be given to the launcher with `--config`. */
  readonly configFile: string;
  readonly launcher: string;
  /** Digest of the build in the factory slot. */
  readonly digest: string;
}

/** Why a device could not be made. */
export class ProvisionError extends Error {
  readonly code: "BUILD_UNUSABLE";

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "ProvisionError";
    this.code = "BUILD_UNUSABLE";
  }
}

/**
 * Makes the device. The build is verified with the council of the configuration, as the device itself will do with every
 * later one. Throws ConfigError, TrustError, ProvisionError or DiskError; then the folder is of no use.
 */
export async function provisionDevice(options: ProvisionOptions): Promise<ProvisionedDevice> {
  const deviceDir = resolve(options.deviceDir);
  const configFile = join(deviceDir, "device.yaml");
  const { enrollment_token: token, ...keys } = options.config;
  const configText = stringify({ ...keys, device_dir: "." });
  const { settings } = loadConfig(configFile, configText, {});
  const signed = await readFile(join(options.buildDir, "signed.json"));
  const verified = verifySignedManifest(signed, settings.council);
  checkPlace(verified, settings.network);
  const contents = contentsOf(verified.manifest, verified.digest);

  await mkdir(deviceDir, { recursive: true });
  const store = new SlotStore(nodeDisk, deviceDir, systemChance.freshId);
  await store.prepare();
  await takeParts(contents, join(options.buildDir, "parts"), store);
  await store.assemble("factory", contents, { manifest: verified.bytes, signed });
  const found = await checkSlot(nodeDisk, store.layout.slot("factory"), "lengths");
  if ("flaw" in found) throw new ProvisionError(`The factory slot is not whole: ${found.flaw}.`);

  const launcher = join(deviceDir, "launcher", "launcher.mjs");
  await mkdir(dirname(launcher), { recursive: true });
  await copyFile(options.launcher, launcher);
  await writeFile(configFile, configText, { mode: 0o600 });
  if (typeof token === "string" && token !== "") {
    await storeEnrollmentToken(nodeDisk, deviceLayout(deviceDir).enrollmentTokenFile, token);
  }
  return { deviceDir, configFile, launcher, digest: verified.digest };
}

function checkPlace({ manifest }: VerifiedManifest, network: string): void {
  if (manifest.network !== network) {
    throw new ProvisionError(`The build is for network ${manifest.network}, the configuration says ${network}.`);
  }
}

async function takeParts(contents: SlotContents, from: string, store: SlotStore): Promise<void> {
  const taken = new Set<string>();
  for (const part of contents.parts) {
    if (taken.has(part.digest)) continue;
    taken.add(part.digest);
    await placePart(join(from, part.digest), join(store.layout.parts, part.digest), part);
  }
}
