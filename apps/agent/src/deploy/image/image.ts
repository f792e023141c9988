/**
 * Makes what a vendor flashes, from a build: an archive, the same as a Debian package, their bill of materials, and
 * where a token was given the configuration for a batch of boxes. Equal input gives equal bytes.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { digestOf } from "@moult/trust";
import { keptRoot } from "@moult/trust/tuf";
import { stringify } from "yaml";
import { contentsOf } from "../../build/identity.ts";
import { loadConfig } from "../../config/config.ts";
import type { BundledComponents } from "../bundle.ts";
import { readBuildDir } from "../build-dir.ts";
import { debArchitecture, debVersion, writeDeb } from "./deb.ts";
import { ImageError } from "./image-error.ts";
import { writeSbom } from "./sbom.ts";
import { writeTar } from "./tar.ts";
import { CA, ROOT, imageTree } from "./tree.ts";
import { verifyParts } from "./verify-parts.ts";

/** What an image is made of. */
export interface ImageOptions {
  /** As in `linux-arm64`; must be the build's. */
  readonly platform: string;
  /** A build directory with `manifest.json` or `signed.json`, and `parts/`. */
  readonly buildDir: string;
  /** What `bundleAgent` wrote; its agent must be the build's. */
  readonly bundleDir: string;
  /** The keys of the configuration's template. */
  readonly config: Readonly<Record<string, unknown>>;
  /** PEM of the authority of the coordinators' certificates; undefined where `config` names a file on the box. */
  readonly ca: Uint8Array | undefined;
  /** The root of trust; undefined where `config` or the build brings one. */
  readonly root: Uint8Array | undefined;
  /** For a batch of boxes; goes into a configuration beside the image, never into it. */
  readonly enrollmentToken: string | undefined;
  /** Who hands it out, as in `Example Boxes <boxes@example.com>`. */
  readonly vendor: string;
  /** SOURCE_DATE_EPOCH: when it was made, in seconds since 1970. Undefined where the image is not to say. */
  readonly builtAtS: number | undefined;
  readonly outDir: string;
}

/** What was written. */
export interface Image {
  readonly archive: string;
  readonly archiveSha256: string;
  readonly deb: string;
  readonly debSha256: string;
  readonly sbom: string;
  /** The configuration with the token; undefined where none was given. */
  readonly config: string | undefined;
  /** The factory build's. */
  readonly digest: string;
}

/** On the box: the device's folder. */
const DEVICE_DIR = "/var/lib/moult";

/** The time of everything where the image is not to say when it was made: 1980, which no archiver finds odd. */
const EPOCH_S = 315_532_800;

/** Makes the image. Throws ImageError, TrustError, ManifestError, TufError, ConfigError, TarError. */
export async function makeImage(options: ImageOptions): Promise<Image> {
  const { buildDir, bundleDir, outDir, builtAtS } = options;
  const epochS = builtAtS ?? EPOCH_S;
  const keys = configOf(options);
  const { settings } = loadConfig("/etc/moult/device.yaml", stringify(keys), {});
  const { manifest, digest, bytes, signed } = await readBuildDir(buildDir);
  const contents = contentsOf(manifest, digest);
  check(options, settings.network, manifest);
  const parts = join(buildDir, "parts");
  await verifyParts(contents.parts, parts);
  const [launcher, firstBoot, agent] = await Promise.all(
    ["launcher.mjs", "first-boot.mjs", "agent.mjs"].map((name) => readFile(join(bundleDir, name))),
  );
  const components = JSON.parse(await readFile(join(bundleDir, "components.json"), "utf8")) as BundledComponents;
  const digestAt = (path: string): string => contents.parts.find((part) => part.path === path)?.digest ?? "";
  if (launcher === undefined || firstBoot === undefined || agent === undefined) throw new TypeError("three were read");
  if (digestOf(agent) !== digestAt(contents.agent)) {
    throw new ImageError("BUNDLE_WRONG", `${bundleDir} is not the bundle whose agent is in ${buildDir}.`);
  }

  const template = Buffer.from(stringify(keys));
  const { ca, root } = options;
  const tree = imageTree({ contents, manifest: bytes, signed, parts, launcher, firstBoot, template, ca, root });
  await mkdir(outDir, { recursive: true });
  const name = join(outDir, `moult_${manifest.version}_${options.platform}`);
  const archive = `${name}.tar.gz`;
  await pipeline(
    Readable.from(writeTar(tree, epochS), { objectMode: false }),
    createGzip(),
    createWriteStream(archive),
  );
  const deb = join(outDir, `moult_${debVersion(manifest.version)}_${debArchitecture(manifest.platform)}.deb`);
  await writeDeb(deb, archive, tree, { manifest, vendor: options.vendor, epochS });
  const sbom = `${name}.cdx.json`;
  const runtimeFile = join(parts, digestAt(contents.runtime));
  await writeFile(sbom, await writeSbom({ manifest, digest, components, runtimeFile, launcher, firstBoot, builtAtS }));
  const config = options.enrollmentToken === undefined ? undefined : join(outDir, "device.yaml");
  if (config !== undefined) {
    await writeFile(config, stringify({ ...keys, enrollment_token: options.enrollmentToken }), { mode: 0o600 });
  }
  const [archiveSha256, debSha256] = [await sha256Of(archive), await sha256Of(deb)];
  return { archive, archiveSha256, deb, debSha256, sbom, config, digest };
}

function configOf({ config, ca, root, builtAtS }: ImageOptions): Readonly<Record<string, unknown>> {
  if (config["enrollment_token"] !== undefined) {
    throw new ImageError(
      "TOKEN_IN_TEMPLATE",
      "An enrolment token stays in an image for ever; give it with --enrollment-token-file.",
    );
  }
  return {
    ...config,
    device_dir: config["device_dir"] ?? DEVICE_DIR,
    ...(ca !== undefined && { ca_file: `/${CA}` }),
    ...(root !== undefined && { root_file: `/${ROOT}` }),
    ...(builtAtS !== undefined && { build_time: new Date(builtAtS * 1000).toISOString() }),
    workload: { runner: "unit", ...(config["workload"] as object | undefined) },
  };
}

function check(
  { platform, root }: ImageOptions,
  network: string,
  manifest: Parameters<typeof writeSbom>[0]["manifest"],
): void {
  const built = `${manifest.platform.os}-${manifest.platform.arch}`;
  if (built !== platform) throw new ImageError("PLATFORM_WRONG", `The build is for ${built}, not for ${platform}.`);
  if (debArchitecture(manifest.platform) === undefined) {
    throw new ImageError("PLATFORM_WRONG", `There are images for linux-arm64 and linux-x64, not for ${platform}.`);
  }
  const rootNetwork = root === undefined ? network : keptRoot({ root, targets: new Map() }).network;
  if (rootNetwork !== network) {
    throw new ImageError("NETWORK_WRONG", `The root is of network ${rootNetwork}, the configuration says ${network}.`);
  }
  if (manifest.network !== network) {
    throw new ImageError(
      "NETWORK_WRONG",
      `The build is for network ${manifest.network}, the configuration says ${network}.`,
    );
  }
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
