/**
 * Factory reset: the factory's build boots next, and nothing of a move, a denial or a trial is left. The device keeps its
 * identity unless its ownership is wiped. The wish is a file that is removed last, and every step can be repeated, so a
 * power cut anywhere leaves a reset that the next start completes. No agent may run meanwhile.
 */
import { dirname } from "node:path";
import { type Disk, DiskError, checkSlot, slotLayout, writeNewFile } from "@moult/slots";
import { openEnrollmentToken } from "../adapters/enrollment-token.ts";
import { spendToken } from "../adapters/spent-token.ts";
import { StateFile } from "../adapters/state-file.ts";
import { deviceLayout } from "../layout.ts";
import type { Site } from "./site.ts";

/** What is wanted, if anything. */
export type Wish = "none" | "reset" | "wipe";

/** The wish that stands in the device's folder; two are the greater one. */
export async function readWish(disk: Disk, deviceDir: string): Promise<Wish> {
  const { resetFlag, wipeFlag } = deviceLayout(deviceDir);
  if ((await disk.entry(wipeFlag)) !== undefined) return "wipe";
  return (await disk.entry(resetFlag)) === undefined ? "none" : "reset";
}

/** Writes the wish down for good. Repeating it changes nothing. Throws DiskError. */
export async function wish(disk: Disk, deviceDir: string, what: Exclude<Wish, "none">): Promise<void> {
  const { resetFlag, wipeFlag } = deviceLayout(deviceDir);
  const path = what === "wipe" ? wipeFlag : resetFlag;
  if ((await disk.entry(path)) === undefined) await writeNewFile(disk, path, new Uint8Array());
  await disk.syncFolder(deviceDir);
}

/** Resets the device where somebody wishes it. A disk that does not allow it keeps the wish, and the box still boots. */
export async function resetIfWanted(site: Site): Promise<void> {
  try {
    const wanted = await readWish(site.disk, site.deviceDir);
    if (wanted !== "none") await reset(site, wanted);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    site.say("error", `the factory reset is not complete: ${error.message}`);
  }
}

async function reset(site: Site, wanted: Exclude<Wish, "none">): Promise<void> {
  const { disk, deviceDir, settings, say } = site;
  const { resetFlag, wipeFlag, stateFile, identityFile, spentToken, enrollmentTokenFile } = deviceLayout(deviceDir);
  say("warn", wanted === "wipe" ? "factory reset; the device forgets whom it belonged to" : "factory reset");
  await bootFactory(site);
  await new StateFile(disk, stateFile).forgetAllButTime();
  if (wanted === "wipe") {
    // First: a key that is gone while its token still counts would enrol for the old owner again.
    const token = await openEnrollmentToken(disk, enrollmentTokenFile);
    const supplied = token.text || settings.enrollmentToken;
    if (supplied !== "") await spendToken(disk, spentToken, supplied);
    await token.erase();
    await disk.removeFile(identityFile);
    await disk.removeFile(`${identityFile}.unreadable`);
  }
  await disk.syncFolder(dirname(stateFile));
  await disk.removeFile(resetFlag);
  await disk.removeFile(wipeFlag);
  await disk.syncFolder(deviceDir);
}

/** The factory's build is what is committed. Where that is not whole, what runs stays, without a trial. */
async function bootFactory({ disk, deviceDir, records, say }: Site): Promise<void> {
  const found = await checkSlot(disk, slotLayout(deviceDir).slot("factory"), "lengths");
  if ("contents" in found) {
    return records.write({ committed: { slot: "factory", digest: found.contents.digest } });
  }
  say("error", `the factory's build is not whole (${found.flaw}); the present one stays`);
  const record = await records.read();
  if (record !== undefined) await records.write({ committed: record.committed });
}
