/**
 * Makes a device's folder: the factory slot from a build, the root of trust, the launcher, the configuration. What a vendor's image
 * holds after flashing. Parts are hard links where the build lies on the same disk, so a device costs next to nothing.
 */
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type SlotContents, SlotStore, checkSlot } from "@moult/slots";
import { keptRoot } from "@moult/trust/tuf";
import { systemChance } from "../adapters/clock.ts";
import { storeEnrollmentToken } from "../adapters/enrollment-token.ts";
import { nodeDisk } from "../adapters/node-disk.ts";
import { contentsOf } from "../build/identity.ts";
import { loadConfig } from "../config/config.ts";
import { deviceLayout } from "../layout.ts";
import { type FlashedBuild, readBuildDir } from "./build-dir.ts";
import { placePart } from "./place-part.ts";
import { stringify } from "yaml";

/** What a device is made of. */
export interface ProvisionOptions {
  /** The device's folder; must not exist yet, or be empty. */
  readonly deviceDir: string;
  /** A build directory with `manifest.json` or `signed.json`, and `parts/`. */
  readonly buildDir: string;
  /** `launcher.mjs`, as bundled. */
  readonly launcher: string;
  /** The keys of `device.yaml`, as documented in the agent's configuration; `device_dir` is set here, and the token is put where the device can erase it. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The root of trust; becomes `root.json` in the folder. Without it, the configuration or the build brings one. */
  readonly root?: Uint8Array;
}

/** Beside the configuration. */
const ROOT_FILE = "root.json";

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
 * Makes the device. Every part is held against the manifest. Throws ConfigError, TrustError, ManifestError, TufError,
 * ProvisionError or DiskError; then the folder is of no use.
 */
export async function provisionDevice(options: ProvisionOptions): Promise<ProvisionedDevice> {
  const deviceDir = resolve(options.deviceDir);
  const configFile = join(deviceDir, "device.yaml");
  const { enrollment_token: token, ...given } = options.config;
  // A device that does not know how late it is believes in no time that has come.
  const keys = { build_time: new Date().toISOString(), ...given };
  const configText = stringify({
    ...keys,
    ...(options.root !== undefined && { root_file: ROOT_FILE }),
    device_dir: ".",
  });
  const { settings } = loadConfig(configFile, configText, {});
  const build = await readBuildDir(options.buildDir);
  checkPlace(build, settings.network);
  const contents = contentsOf(build.manifest, build.digest);
  if (options.root !== undefined) checkRoot(options.root, settings.network);

  await mkdir(deviceDir, { recursive: true });
  const store = new SlotStore(nodeDisk, deviceDir, systemChance.freshId);
  await store.prepare();
  await takeParts(contents, join(options.buildDir, "parts"), store);
  await store.assemble("factory", contents, { manifest: build.bytes, signed: build.signed });
  const found = await checkSlot(nodeDisk, store.layout.slot("factory"), "lengths");
  if ("flaw" in found) throw new ProvisionError(`The factory slot is not whole: ${found.flaw}.`);

  const launcher = join(deviceDir, "launcher", "launcher.mjs");
  await mkdir(dirname(launcher), { recursive: true });
  await copyFile(options.launcher, launcher);
  if (options.root !== undefined) await writeFile(join(deviceDir, ROOT_FILE), options.root);
  await writeFile(configFile, configText, { mode: 0o600 });
  if (typeof token === "string" && token !== "") {
    await storeEnrollmentToken(nodeDisk, deviceLayout(deviceDir).enrollmentTokenFile, token);
  }
  return { deviceDir, configFile, launcher, digest: build.digest };
}

/** A device with the root of another network would never move. */
function checkRoot(root: Uint8Array, network: string): void {
  const found = keptRoot({ root, targets: new Map() }).network;
  if (found !== network) {
    throw new ProvisionError(`The root is of network ${found}, the configuration says ${network}.`);
  }
}

function checkPlace({ manifest }: FlashedBuild, network: string): void {
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
