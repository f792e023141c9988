import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clearAbandoned, commitTrial, putOnTrial, revertTrial } from "./boot-changes.ts";
import { BootRecordFiles } from "./boot-record-files.ts";
import { type BootRecord, type SlotName, chooseBootRecord, decodeBootRecord, encodeBootRecord } from "./boot-record.ts";
import { createMemoryDisk } from "./testing/memory-disk.ts";

const digest = fc.stringMatching(/^[0-9a-f]{64}$/);
const slot = fc.constantFrom<SlotName>("factory", "a", "b");
const ref = fc.record({ slot, digest });
const record: fc.Arbitrary<BootRecord> = fc.record(
  {
    committed: ref,
    previous: ref,
    trial: fc.record({ slot, digest, triesLeft: fc.nat(16) }),
    abandoned: fc.record({ digest, reason: fc.string(), message: fc.string({ maxLength: 512 }), deny: fc.boolean() }),
  },
  { requiredKeys: ["committed"] },
);
const sequence = fc.integer({ min: 1, max: 2 ** 40 });

describe("the boot record", () => {
  it("reads back what was written", () => {
    fc.assert(
      fc.property(sequence, record, (number, value) => {
        const read = decodeBootRecord(encodeBootRecord({ sequence: number, record: value }));
        expect(read).toEqual({ sequence: number, record: value });
      }),
    );
  });

  it("takes no torn, shortened or altered file for a record", () => {
    fc.assert(
      fc.property(sequence, record, fc.nat(), fc.integer({ min: 1, max: 255 }), (number, value, at, flip) => {
        const bytes = encodeBootRecord({ sequence: number, record: value });
        const place = at % bytes.length;
        expect(decodeBootRecord(bytes.slice(0, place))).toBeUndefined();
        const altered = bytes.slice();
        altered[place] = (altered[place] ?? 0) ^ flip;
        expect(decodeBootRecord(altered)).toBeUndefined();
      }),
    );
  });

  it("lets the newest whole one win, wherever it stands", () => {
    fc.assert(
      fc.property(fc.option(sequence), fc.option(sequence), record, (one, other, value) => {
        const read = (number: number | null) => (number === null ? undefined : { sequence: number, record: value });
        const chosen = chooseBootRecord([read(one), read(other)]);
        const newest = one === null && other === null ? undefined : Math.max(one ?? 0, other ?? 0);
        expect(chosen?.newest.sequence).toBe(newest);
      }),
    );
  });

  it("keeps a record whose message is far too long", () => {
    const abandoned = { digest: "a".repeat(64), reason: "HEALTH_CHECK", message: "x".repeat(100_000), deny: true };
    const committed = { slot: "a", digest: "b".repeat(64) } as const;
    const read = decodeBootRecord(encodeBootRecord({ sequence: 1, record: { committed, abandoned } }));
    expect(read?.record.abandoned?.message).toHaveLength(512);
  });
});

describe("the two files", () => {
  const first: BootRecord = { committed: { slot: "a", digest: "a".repeat(64) } };
  const second: BootRecord = { committed: { slot: "b", digest: "b".repeat(64) } };

  it("never touches the file that holds the newest record", async () => {
    const disk = createMemoryDisk();
    const files = new BootRecordFiles(disk, "/");
    expect(await files.read()).toBeUndefined();
    await files.write(first);
    for (const next of [second, first, second]) {
      const before = disk.operations.length;
      const holder = await newestFile(disk);
      await files.write(next);
      const touched = disk.operations.slice(before);
      expect(touched.some((operation) => operation.endsWith(holder))).toBe(false);
      expect(await files.read()).toEqual(next);
    }
  });

  it("falls back to the older record when the newer file is torn", async () => {
    const disk = createMemoryDisk();
    const files = new BootRecordFiles(disk, "/");
    await files.write(first);
    await files.write(second);
    disk.put(await newestFile(disk), new Uint8Array([1, 2, 3]));
    expect(await files.read()).toEqual(first);
    await files.write(second);
    expect(await files.read()).toEqual(second);
  });

  it("makes a file's name safe also where it finds the file there", async () => {
    const disk = createMemoryDisk();
    disk.put("/boot-0", new Uint8Array());
    const files = new BootRecordFiles(disk, "/");
    await files.write(first);
    expect(disk.operations.slice(-2)).toEqual(["sync /boot-0", "syncFolder /"]);
  });

  it("makes safe what it found, without writing", async () => {
    const disk = createMemoryDisk();
    const files = new BootRecordFiles(disk, "/");
    await files.settle();
    expect(disk.operations).toEqual(["syncFolder /"]);
    await files.write(first);
    await files.write(second);
    disk.operations.length = 0;
    await files.settle();
    expect(disk.operations).toEqual(["sync /boot-0", "sync /boot-1", "syncFolder /"]);
  });

  async function newestFile(disk: ReturnType<typeof createMemoryDisk>): Promise<string> {
    const [zero, one] = await Promise.all(["/boot-0", "/boot-1"].map((path) => disk.read(path, 100_000)));
    return chooseBootRecord([zero && decodeBootRecord(zero), one && decodeBootRecord(one)])?.place === 1
      ? "/boot-1"
      : "/boot-0";
  }
});

describe("changes of the record", () => {
  const committed = { slot: "a", digest: "a".repeat(64) } as const;
  const target = { slot: "b", digest: "b".repeat(64) } as const;

  it("keeps what was committed until the trial is, and remembers it then", () => {
    const trial = putOnTrial({ committed }, target, 3);
    expect(trial).toEqual({ committed, trial: { ...target, triesLeft: 3 } });
    expect(commitTrial(trial)).toEqual({ committed: target, previous: committed });
  });

  const why = { digest: target.digest, reason: "DISK", message: "m", deny: true };

  it("takes back a commit that was written although it was reported as failed", () => {
    const committedAfterAll = commitTrial(putOnTrial({ committed }, target, 3));
    expect(revertTrial(committedAfterAll, why)).toEqual({ committed, abandoned: why });
    expect(revertTrial({ committed }, why)).toEqual({ committed });
  });

  it("leaves a reverted build's digest and reason behind, until they are taken over", () => {
    const reverted = revertTrial(putOnTrial({ committed }, target, 3), why);
    expect(reverted).toEqual({ committed, abandoned: why });
    expect(clearAbandoned(reverted)).toEqual({ committed });
  });

  it("does nothing when it is repeated", () => {
    fc.assert(
      fc.property(record, (value) => {
        const kept = commitTrial(value);
        expect(commitTrial(kept)).toEqual(kept);
        const digestOnTrial = value.trial?.digest ?? target.digest;
        const reverted = revertTrial(value, { ...why, digest: digestOnTrial });
        fc.pre(reverted.committed.digest !== digestOnTrial);
        expect(revertTrial(reverted, { ...why, digest: digestOnTrial })).toEqual(reverted);
      }),
    );
  });
});
