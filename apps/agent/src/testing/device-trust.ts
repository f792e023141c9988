/** What a device believes, for tests: a keeper over a network's files, with a clock and a device of the test's own. */
import { MetadataFile } from "../adapters/metadata-file.ts";
import { nodeDisk } from "../adapters/node-disk.ts";
import { join } from "node:path";
import { type FileName, fileNameOf } from "@moult/trust/tuf";
import type { DeviceFacts } from "../trust/gate.ts";
import { type KeeperParts, TrustKeeper } from "../trust/keeper.ts";
import type { TrustSource, TrustSources } from "../trust/ports.ts";
import { makeFolder } from "./folders.ts";
import { silentLog } from "./silent-log.ts";

/** The device of these tests. */
export const TEST_DEVICE: DeviceFacts = {
  node: "n0000000000000000",
  network: "test",
  platform: { os: process.platform, arch: process.arch },
};

/** Files by TUF's names, and brakes, with a count of what was asked for. */
export class TestSource implements TrustSource {
  readonly name: string;
  files: ReadonlyMap<string, Uint8Array>;
  signedBrakes: readonly Uint8Array[] = [];
  /** Fails whatever is asked. */
  broken = false;
  readonly asked: string[] = [];

  constructor(name: string, files: ReadonlyMap<string, Uint8Array>) {
    this.name = name;
    this.files = files;
  }

  async fetch(file: FileName): Promise<Uint8Array | undefined> {
    this.asked.push(fileNameOf(file));
    if (this.broken) throw new Error(`${this.name} is broken`);
    return this.files.get(fileNameOf(file));
  }

  async brakes(): Promise<readonly Uint8Array[]> {
    return this.signedBrakes;
  }

  close(): void {}
}

/** Those sources, in that order, whatever is asked for. */
export function sourcesOf(...sources: readonly TrustSource[]): TrustSources {
  return { open: () => sources };
}

/** A keeper on a folder of its own, unless `parts` say otherwise. */
export function openKeeper(
  parts: Partial<KeeperParts> & Pick<KeeperParts, "flashedRoot" | "sources">,
): Promise<TrustKeeper> {
  return TrustKeeper.open({
    file: parts.file ?? new MetadataFile(nodeDisk, join(makeFolder(), "metadata")),
    device: TEST_DEVICE,
    nowMs: Date.now,
    slowMs: parts.nowMs ?? Date.now,
    clock: { nowMs: () => performance.now() },
    roll: () => 0.5,
    log: silentLog,
    onRoot() {},
    onSignedTime() {},
    onRootTime() {},
    ...parts,
  });
}
