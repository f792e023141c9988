/** Staging on a disk that has no room, told beforehand and met in the middle. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeDisk } from "../adapters/node-disk.ts";
import { makeFolder } from "../testing/folders.ts";
import { makeTestBuild } from "../testing/test-build.ts";
import { BUILD, Source, codeOf, makeDevice } from "./testing/staging.ts";

describe("a full disk", () => {
  it("is seen before anything is pulled", async () => {
    const source = new Source();
    const device = await makeDevice(makeFolder(), 1_000);
    expect(await codeOf(device.stage([await source.open()]))).toBe("DISK_FULL");
    expect(source.partRequests).toEqual([]);
  });

  const canMount = process.platform === "linux" && process.getuid?.() === 0;
  const mounts: string[] = [];
  const run = (program: string, ...args: string[]): void => void execFileSync(program, args);
  let small = "";

  beforeAll(() => {
    if (!canMount) return;
    small = mkdtempSync(join(tmpdir(), "mlt-small-"));
    run("mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", small);
    mounts.push(small);
  });

  afterAll(() => {
    for (const folder of mounts) {
      run("umount", folder);
      rmdirSync(folder);
    }
  });

  it.skipIf(!canMount)("met in the middle is told as such; what came is swept, what was there is kept", async () => {
    const root = join(small, "device");
    mkdirSync(root);
    const device = await makeDevice(root, 1_000_000_000);
    const first = makeTestBuild({ manifest: { version: "1.5.0" } });
    const source = new Source();
    source.build = first;
    const url = await source.open();
    await device.stage([url], {}, first);
    const freeBytes = await nodeDisk.freeBytes(root);
    source.build = BUILD;
    expect(await codeOf(device.stage([url]))).toBe("DISK_FULL");
    expect(await device.leftovers()).toEqual([]);
    expect((await device.store.contents("a", "digests"))?.digest).toBe(first.digest);
    expect(await nodeDisk.freeBytes(root)).toBeGreaterThanOrEqual(freeBytes - 8_192);
  });
});
