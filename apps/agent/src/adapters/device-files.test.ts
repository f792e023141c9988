import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Disk, DiskError } from "@moult/slots";
import { describe, expect, it } from "vitest";
import { makeFolder } from "../testing/folders.ts";
import { openIdentity } from "./identity.ts";
import { nodeDisk } from "./node-disk.ts";
import { StateFile } from "./state-file.ts";

/** The real disk, and the folders that were synced on it. */
function listened(): { readonly disk: Disk; readonly synced: string[] } {
  const synced: string[] = [];
  const syncFolder = async (path: string): Promise<void> => {
    await nodeDisk.syncFolder(path);
    synced.push(path);
  };
  return { disk: { ...nodeDisk, syncFolder }, synced };
}

describe("the device's key", () => {
  it("is used only once its name is safe, whoever gave it", async () => {
    const folder = join(makeFolder(), "state");
    const path = join(folder, "identity.pem");
    await openIdentity(nodeDisk, path);
    const { disk, synced } = listened();
    expect((await openIdentity(disk, path)).fresh).toBe(false);
    expect(synced).toContain(folder);
  });

  it("is made once, for its owner's eyes, and is the same from then on", async () => {
    const path = join(makeFolder(), "state", "identity.pem");
    const first = await openIdentity(nodeDisk, path);
    expect(first.fresh).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const second = await openIdentity(nodeDisk, path);
    expect(second.fresh).toBe(false);
    expect(second.identity.publicKey).toEqual(first.identity.publicKey);
    expect(second.identity.publicKey).toHaveLength(32);
    const message = new Uint8Array([1, 2, 3]);
    expect(second.identity.sign(message)).toEqual(first.identity.sign(message));
  });

  it("is made anew where the old one cannot be read, which is kept aside", async () => {
    const path = join(makeFolder(), "state", "identity.pem");
    await openIdentity(nodeDisk, path);
    writeFileSync(path, "torn");
    expect((await openIdentity(nodeDisk, path)).fresh).toBe(true);
    expect(readFileSync(`${path}.unreadable`, "utf8")).toBe("torn");
  });
});

describe("the state file", () => {
  const durable = { denied: ["a".repeat(64)] };

  it("is replaced at once, and not written again when nothing changed", async () => {
    const path = join(makeFolder(), "agent");
    const file = new StateFile(nodeDisk, path);
    expect(await file.read()).toEqual({ durable: { denied: [] }, damaged: false });
    await file.write(durable);
    const { ino } = statSync(path);
    await file.write(durable);
    expect(statSync(path).ino).toBe(ino);
    expect(await new StateFile(nodeDisk, path).read()).toEqual({ durable, damaged: false });
  });

  it("keeps the time beside a move that the machine has yet to take up again, and survives a reset with the time alone", async () => {
    const path = join(makeFolder(), "agent");
    const floor = { floorMs: 1_800_000_000_000, atMs: 5, bootId: "boot", resetCounter: 0 };
    const kept = { floor, due: true, kept: () => undefined };
    await new StateFile(nodeDisk, path).write(durable);
    const file = new StateFile(nodeDisk, path);
    await file.read();
    await file.keepTime({ ...kept, due: false });
    expect((await file.read()).durable.time).toBeUndefined();
    await file.keepTime(kept);
    expect((await file.read()).durable).toEqual({ ...durable, time: floor });
    for (let time = 0; time < 2; time += 1) await new StateFile(nodeDisk, path).forgetAllButTime();
    expect((await file.read()).durable).toEqual({ denied: [], time: floor });
  });

  it("is not taken for stored before its name is safe", async () => {
    const folder = makeFolder();
    const path = join(folder, "agent");
    await new StateFile(nodeDisk, path).write(durable);
    const { disk, synced } = listened();
    const file = new StateFile(disk, path);
    await file.read();
    expect(synced).toEqual([folder]);
    const { ino } = statSync(path);
    const failing = new StateFile({ ...disk, syncFolder: () => Promise.reject(new DiskError("IO", "no")) }, path);
    expect(await failing.read()).toEqual({ durable, damaged: false });
    await expect(failing.write(durable)).rejects.toThrow(DiskError);
    expect(statSync(path).ino).not.toBe(ino);
  });

  it("is begun anew where it is damaged, and says so", async () => {
    const path = join(makeFolder(), "agent");
    writeFileSync(path, "moult-sealed/v1 of something else\n{}\n");
    const file = new StateFile(nodeDisk, path);
    expect(await file.read()).toEqual({ durable: { denied: [] }, damaged: true });
    await file.write(durable);
    expect((await new StateFile(nodeDisk, path).read()).damaged).toBe(false);
  });
});
