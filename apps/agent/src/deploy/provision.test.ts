import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SlotStore } from "@moult/slots";
import { TestNetwork } from "@moult/trust/testing";
import { describe, expect, it } from "vitest";
import { systemChance } from "../adapters/clock.ts";
import { nodeDisk } from "../adapters/node-disk.ts";
import { makeFolder } from "../testing/folders.ts";
import { type TestBuild, makeNetwork, makeTestBuild } from "../testing/test-build.ts";
import { bundleAgent } from "./bundle.ts";
import { PartMismatch } from "./place-part.ts";
import { ProvisionError, provisionDevice } from "./provision.ts";

const config = {
  network: "test",
  coordinators: ["127.0.0.1:1"],
  ca_file: "ca.pem",
};

/** A build directory, as `moult release build` leaves it. */
function write(build: TestBuild): string {
  const folder = makeFolder();
  mkdirSync(join(folder, "parts"));
  writeFileSync(join(folder, "manifest.json"), build.bytes);
  for (const [digest, bytes] of build.parts) writeFileSync(join(folder, "parts", digest), bytes);
  return folder;
}

function launcher(): string {
  const file = join(makeFolder(), "launcher.mjs");
  writeFileSync(file, "// a launcher");
  return file;
}

describe("making a device", () => {
  it("links a build into the factory slot and writes the configuration", async () => {
    const build = makeTestBuild();
    const buildDir = write(build);
    const deviceDir = join(makeFolder(), "device");
    const device = await provisionDevice({ deviceDir, buildDir, launcher: launcher(), config });
    expect(device.digest).toBe(build.digest);
    const store = new SlotStore(nodeDisk, deviceDir, systemChance.freshId);
    expect((await store.contents("factory", "digests"))?.digest).toBe(build.digest);
    const runtime = build.manifest.parts.find(({ path }) => path === "runtime/node");
    const inodes = [join(buildDir, "parts", runtime?.digest ?? ""), join(deviceDir, "factory", "runtime", "node")];
    expect(new Set(inodes.map((path) => statSync(path).ino)).size).toBe(1);
    expect(statSync(inodes[1] ?? "").mode & 0o111).toBe(0o111);
    expect(readFileSync(device.configFile, "utf8")).toContain("network: test");
    expect(statSync(device.configFile).mode & 0o077).toBe(0);
  });

  it("puts the root of trust beside the configuration, and refuses another network's", async () => {
    const [buildDir, root] = [write(makeTestBuild()), makeNetwork().flashedRoot];
    const folder = makeFolder();
    const device = await provisionDevice({
      deviceDir: join(folder, "d"),
      buildDir,
      launcher: launcher(),
      config,
      root,
    });
    expect(readFileSync(join(device.deviceDir, "root.json"))).toEqual(Buffer.from(root));
    expect(readFileSync(device.configFile, "utf8")).toContain("root_file: root.json");
    const other = new TestNetwork({ network: "other" }).flashedRoot;
    const attempt = provisionDevice({
      deviceDir: join(folder, "e"),
      buildDir,
      launcher: launcher(),
      config,
      root: other,
    });
    await expect(attempt).rejects.toBeInstanceOf(ProvisionError);
  });

  it("refuses a build that the device itself would refuse", async () => {
    const attempt = (build: TestBuild, spoil?: (buildDir: string) => void): Promise<unknown> => {
      const buildDir = write(build);
      spoil?.(buildDir);
      return provisionDevice({ deviceDir: join(makeFolder(), "d"), buildDir, launcher: launcher(), config });
    };
    await expect(attempt(makeTestBuild({ manifest: { network: "other" } }))).rejects.toBeInstanceOf(ProvisionError);
    const build = makeTestBuild({ files: { "!runtime/node": "another runtime" } });
    const [digest = ""] = [...build.parts.keys()];
    const alter = (buildDir: string): void => {
      chmodSync(join(buildDir, "parts", digest), 0o644);
      writeFileSync(join(buildDir, "parts", digest), "altered runtime");
    };
    await expect(attempt(build, alter)).rejects.toBeInstanceOf(PartMismatch);
  });
});

describe("bundles", () => {
  it("are programs of one file each, the same for the same version and different for another", async () => {
    const [one, again, two] = [makeFolder(), makeFolder(), makeFolder()];
    const first = await bundleAgent({ outDir: one, version: "1.0.0" });
    const same = await bundleAgent({ outDir: again, version: "1.0.0" });
    const other = await bundleAgent({ outDir: two, version: "2.0.0" });
    expect(readFileSync(same.agent).equals(readFileSync(first.agent))).toBe(true);
    expect(readFileSync(other.agent).equals(readFileSync(first.agent))).toBe(false);
    expect(readFileSync(other.launcher).equals(readFileSync(first.launcher))).toBe(true);
    const run = spawnSync(process.execPath, [first.agent], { encoding: "utf8" });
    expect(run.status).toBe(78);
    expect(JSON.parse(run.stdout)).toMatchObject({
      agent: "1.0.0",
      msg: expect.stringContaining("--config") as string,
    });
    expect(() => execFileSync(process.execPath, [first.launcher], { stdio: "ignore" })).toThrow("Command failed");
  });
});
