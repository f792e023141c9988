/**
 * Writes a Debian package (deb(5)): an ar archive of three members. It owns what is in the data archive and nothing that
 * the box makes; so it can be installed, upgraded and removed without touching the device's folder.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { gzipSync } from "node:zlib";
import type { BuildManifest } from "@moult/trust";
import { writeTar } from "./tar.ts";
import type { ImageEntry } from "./tree.ts";

/** Debian's names of platforms. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** Libraries the runtime is linked with, as Debian names them. */
const DEPENDS = "libc6 (>= 2.28), libgcc-s1, libstdc++6, libatomic1";

/** What the package says of itself. */
export interface DebFacts {
  readonly manifest: BuildManifest;
  /** Who hands it out, as in `Example Boxes <boxes@example.com>`. */
  readonly vendor: string;
  readonly epochS: number;
}

/** Debian's name of the manifest's platform; undefined where Debian has none. */
export function debArchitecture({ os, arch }: BuildManifest["platform"]): string | undefined {
  return os === "linux" ? ARCHITECTURES[arch] : undefined;
}

/** The version in the form Debian wants it: it begins with a digit and has no `_`. */
export function debVersion(version: string): string {
  const plain = version.replaceAll("_", ".");
  return /^[0-9]/.test(plain) ? plain : `0~${plain}`;
}

/** Writes the package to `file`. `dataFile` is the gzipped archive of `entries`. */
export async function writeDeb(
  file: string,
  dataFile: string,
  entries: readonly ImageEntry[],
  facts: DebFacts,
): Promise<void> {
  const control = gzipSync(Buffer.concat(await collect(writeTar(await controlEntries(entries, facts), facts.epochS))));
  const { size } = await stat(dataFile);
  const { epochS } = facts;
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("!<arch>\n");
    yield* member("debian-binary", Buffer.from("2.0\n"), epochS);
    yield* member("control.tar.gz", control, epochS);
    yield memberHeader("data.tar.gz", size, epochS);
    yield* createReadStream(dataFile) as AsyncIterable<Uint8Array>;
    if (size % 2 === 1) yield Buffer.from("\n");
  }
  await pipeline(Readable.from(pieces(), { objectMode: false }), createWriteStream(file));
}

async function controlEntries(entries: readonly ImageEntry[], facts: DebFacts): Promise<readonly ImageEntry[]> {
  const text = (path: string, content: string, executable = false): ImageEntry => ({
    path,
    kind: "file",
    executable,
    bytes: Buffer.from(content),
  });
  return [
    text("control", controlText(entries, facts)),
    text("md5sums", await sums(entries)),
    text("postinst", POSTINST, true),
    text("prerm", PRERM, true),
  ];
}

function controlText(entries: readonly ImageEntry[], { manifest, vendor }: DebFacts): string {
  const installedBytes = entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
  return [
    "Package: moult",
    `Version: ${debVersion(manifest.version)}`,
    `Architecture: ${debArchitecture(manifest.platform) ?? "all"}`,
    `Maintainer: ${vendor}`,
    `Installed-Size: ${Math.ceil(installedBytes / 1024)}`,
    `Depends: ${DEPENDS}`,
    "Recommends: systemd",
    "Section: admin",
    "Priority: optional",
    "Description: agent that moves this box's software from build to build",
    ` Launcher, factory build and units for network ${manifest.network}. The box's own`,
    " state is in /var/lib/moult and its configuration in /etc/moult; both stay when",
    " this package is removed.",
    "",
  ].join("\n");
}

function sizeOf(entry: ImageEntry): number {
  if (entry.kind !== "file") return 0;
  return "bytes" in entry ? entry.bytes.length : entry.lengthBytes;
}

/** What `dpkg --verify` compares with. MD5 is what the format has; who signed the build is the launcher's to check. */
async function sums(entries: readonly ImageEntry[]): Promise<string> {
  const lines: string[] = [];
  for (const entry of entries) {
    if (entry.kind !== "file") continue;
    const hash = createHash("md5");
    if ("bytes" in entry) hash.update(entry.bytes);
    else await pipeline(createReadStream(entry.source), hash);
    lines.push(`${hash.digest("hex")}  ${entry.path}\n`);
  }
  return lines.join("");
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return all;
}

function* member(name: string, bytes: Uint8Array, epochS: number): Generator<Uint8Array> {
  yield memberHeader(name, bytes.length, epochS);
  yield bytes;
  if (bytes.length % 2 === 1) yield Buffer.from("\n");
}

/** ar(5): name, time, owner, group, mode, length, each padded with blanks. */
function memberHeader(name: string, lengthBytes: number, epochS: number): Uint8Array {
  const fields = [
    name.padEnd(16),
    String(epochS).padEnd(12),
    "0".padEnd(6),
    "0".padEnd(6),
    "100644".padEnd(8),
    String(lengthBytes).padEnd(10),
  ];
  return Buffer.from(`${fields.join("")}\`\n`, "latin1");
}

/** On a box that runs: make the user, and start what is new. In a root file system that is being made: nothing to do. */
const POSTINST = `#!/bin/sh
set -e
if [ "$1" = configure ]; then
  if command -v systemd-sysusers > /dev/null; then systemd-sysusers moult.conf; fi
  if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl restart moult-first-boot.service || true
    if [ -z "$2" ]; then systemctl --no-block start moult.service || true; fi
    systemctl --no-block try-restart moult.service || true
  fi
fi
`;

/** The agent stops; the workload goes with it, for its program is part of the agent's builds. */
const PRERM = `#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  systemctl stop moult-once.timer moult-once.service moult.service moult-work.path moult-work-stop.path moult-work.service
fi
`;
