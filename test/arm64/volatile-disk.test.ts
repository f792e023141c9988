import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { rollsFrom } from "./random.ts";
import { SECTOR_BYTES, VolatileDisk } from "./volatile-disk.ts";

const SECTORS = 16;

async function openDisk(): Promise<{ readonly disk: VolatileDisk; readonly file: string }> {
  const folder = mkdtempSync(join(tmpdir(), "moult-disk-"));
  const file = join(folder, "disk");
  writeFileSync(file, Buffer.alloc(SECTORS * SECTOR_BYTES));
  const disk = await VolatileDisk.open(file);
  onTestFinished(async () => {
    await disk.close();
    rmSync(folder, { recursive: true });
  });
  return { disk, file };
}

/** So many sectors of one letter. */
const sectors = (count: number, letter: string): Buffer => Buffer.alloc(count * SECTOR_BYTES, letter);

/** The letter of each sector; `.` for an empty one. */
function lettersOf(bytes: Uint8Array): string {
  return Array.from({ length: bytes.length / SECTOR_BYTES }, (_, index) => {
    const sector = Buffer.from(bytes.subarray(index * SECTOR_BYTES, (index + 1) * SECTOR_BYTES));
    expect(new Set(sector).size).toBe(1);
    return sector[0] === 0 ? "." : String.fromCharCode(sector[0] ?? 0);
  }).join("");
}

describe("a disk with a cache", () => {
  it("shows what was written at once, and keeps what was flushed through any cut", async () => {
    const { disk, file } = await openDisk();
    await disk.write(0, sectors(4, "a"), false);
    await disk.flush();
    await disk.write(2 * SECTOR_BYTES, sectors(4, "b"), false);
    expect(lettersOf(await disk.read(0, 8 * SECTOR_BYTES))).toBe("aabbbb..");
    expect(lettersOf(readFileSync(file).subarray(0, 8 * SECTOR_BYTES))).toBe("aaaa....");
    expect(await disk.cut(() => 0)).toEqual({ unsynced: 4, lost: 4 });
    expect(lettersOf(await disk.read(0, 8 * SECTOR_BYTES))).toBe("aaaa....");
  });

  it("writes through where it is told to, with all that was written before", async () => {
    const { disk } = await openDisk();
    await disk.write(0, sectors(1, "a"), false);
    await disk.write(SECTOR_BYTES, sectors(1, "b"), true);
    expect(await disk.cut(() => 0)).toEqual({ unsynced: 0, lost: 0 });
    expect(lettersOf(await disk.read(0, 2 * SECTOR_BYTES))).toBe("ab");
  });

  it("loses, tears and reorders at a cut, the same way for the same seed, and shows what the medium holds", async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 40; seed += 1) {
      const left = await Promise.all(
        [seed, seed].map(async (each) => {
          const { disk, file } = await openDisk();
          await disk.write(0, sectors(3, "a"), false);
          await disk.write(SECTOR_BYTES, sectors(4, "b"), false);
          await disk.cut(rollsFrom(each));
          const view = lettersOf(await disk.read(0, 6 * SECTOR_BYTES));
          expect(lettersOf(readFileSync(file).subarray(0, 6 * SECTOR_BYTES))).toBe(view);
          return view;
        }),
      );
      expect(left[0]).toBe(left[1]);
      seen.add(left[0] ?? "");
    }
    expect(seen).toContain("......");
    expect(seen).toContain("abbbb.");
    // A later write that is there while a part of an earlier one is not.
    expect([...seen].some((view) => view.startsWith(".") && view.includes("b"))).toBe(true);
    expect(seen.size).toBeGreaterThan(8);
  });
});
