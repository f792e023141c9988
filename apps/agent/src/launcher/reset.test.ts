/** Factory reset: by command, by a button, and through a power cut after any of its steps. */
import { type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BootRecordFiles, type Disk, DiskError, putOnTrial } from "@moult/slots";
import { describe, expect, it } from "vitest";
import { nodeDisk } from "../adapters/node-disk.ts";
import { isSpent } from "../adapters/spent-token.ts";
import { GOOD_AGENT, LaunchedDevice } from "../testing/launched-device.ts";
import { until } from "../testing/until.ts";
import { resetIfWanted } from "./reset.ts";
import { openSite } from "./site.ts";

const TOKEN = "old-owner";

/** A device that runs slot a, has a build on trial in b, and remembers things. */
async function lived(): Promise<{ readonly device: LaunchedDevice; readonly factory: string }> {
  const device = new LaunchedDevice();
  device.settings = { enrollment_token: TOKEN };
  const factory = await device.put("factory", GOOD_AGENT);
  const committed = { slot: "a", digest: await device.put("a", `${GOOD_AGENT}# a\n`) } as const;
  const target = { slot: "b", digest: await device.put("b", `${GOOD_AGENT}# b\n`) } as const;
  await device.records.write(putOnTrial({ committed }, target, 3));
  for (const name of ["agent", "identity.pem"]) writeFileSync(join(device.root, "state", name), name);
  return { device, factory };
}

async function ended(child: ChildProcess): Promise<number | null> {
  await until("the end", () => child.exitCode !== null || child.signalCode !== null);
  return child.exitCode;
}

const stateOf = (device: LaunchedDevice, name: string): boolean => existsSync(join(device.root, "state", name));

describe("a factory reset", () => {
  it("lets the factory's build boot next, forgets moves and denials, and keeps the identity", async () => {
    const { device, factory } = await lived();
    expect(await ended(device.launch("reset"))).toBe(0);
    expect(await device.record()).toEqual({ committed: { slot: "factory", digest: factory } });
    expect([stateOf(device, "agent"), stateOf(device, "identity.pem")]).toEqual([false, true]);
    expect(await isSpent(nodeDisk, join(device.root, "state", "token-spent"), TOKEN)).toBe(false);
    device.launch();
    await device.started(1);
    expect(device.starts).toEqual(["factory 0"]);
  });

  it("forgets the owner where that is wished, and the token with it", async () => {
    const { device } = await lived();
    expect(await ended(device.launch("reset", "--wipe-ownership"))).toBe(0);
    expect([stateOf(device, "agent"), stateOf(device, "identity.pem")]).toEqual([false, false]);
    const spent = join(device.root, "state", "token-spent");
    expect([await isSpent(nodeDisk, spent, TOKEN), await isSpent(nodeDisk, spent, "another")]).toEqual([true, false]);
    expect(readFileSync(spent, "utf8")).not.toContain(TOKEN);
  });

  it("forgets a token that had not been accepted yet, wherever it lies", async () => {
    const { device } = await lived();
    device.settings = {};
    writeFileSync(join(device.root, "state", "enrollment-token"), `${TOKEN}\n`);
    expect(await ended(device.launch("reset", "--wipe-ownership"))).toBe(0);
    expect(stateOf(device, "enrollment-token")).toBe(false);
    expect(await isSpent(nodeDisk, join(device.root, "state", "token-spent"), TOKEN)).toBe(true);
  });

  it("is done at the next start where somebody pressed the button, and by the launcher that runs", async () => {
    for (const running of [false, true]) {
      const { device, factory } = await lived();
      if (running) {
        device.launch();
        await device.started(1);
        expect(await ended(device.launch("reset"))).toBe(0);
      } else {
        writeFileSync(join(device.root, "factory-reset"), "");
        device.launch();
      }
      await until("the factory's agent", () => device.starts.at(-1) === "factory 0");
      expect((await device.record()).committed.digest).toBe(factory);
      expect(existsSync(join(device.root, "factory-reset"))).toBe(false);
    }
  });

  it("is completed by the next start wherever it is cut", async () => {
    for (let cut = 1; ; cut += 1) {
      const { device, factory } = await lived();
      writeFileSync(device.configFile, JSON.stringify({ ...device.settings, device_dir: "." }));
      writeFileSync(join(device.root, "factory-reset-wipe"), "");
      const site = await openSite(device.configFile, {}, () => undefined);
      const disk = cutAfter(nodeDisk, cut);
      await resetIfWanted({
        ...site,
        disk: disk.disk,
        records: new BootRecordFiles(disk.disk, join(device.root, "state")),
      });
      if (!disk.wasCut()) {
        expect(cut).toBeGreaterThan(12);
        break;
      }
      await resetIfWanted(site);
      expect(await device.record()).toEqual({ committed: { slot: "factory", digest: factory } });
      expect([stateOf(device, "agent"), stateOf(device, "identity.pem")]).toEqual([false, false]);
      expect(existsSync(join(device.root, "factory-reset-wipe"))).toBe(false);
      expect(await isSpent(nodeDisk, join(device.root, "state", "token-spent"), TOKEN)).toBe(true);
    }
  });

  it("never keeps a box from booting", async () => {
    const device = new LaunchedDevice();
    const digest = await device.put("a", GOOD_AGENT);
    await device.records.write({ committed: { slot: "a", digest } });
    // No factory to go back to, and a wish that cannot be removed.
    mkdirSync(join(device.root, "factory-reset"));
    device.launch();
    await device.started(1);
    expect(device.starts).toEqual(["a 0"]);
  });
});

/** A disk that fails for good after so many operations. */
function cutAfter(disk: Disk, count: number): { readonly disk: Disk; readonly wasCut: () => boolean } {
  let done = 0;
  const cutting = new Proxy(disk, {
    get(target, name: keyof Disk) {
      const operation = target[name] as (...words: readonly unknown[]) => unknown;
      return (...words: readonly unknown[]): unknown => {
        done += 1;
        if (done > count) return Promise.reject(new DiskError("IO", "cut"));
        return operation(...words);
      };
    },
  });
  return { disk: cutting, wasCut: () => done > count };
}
