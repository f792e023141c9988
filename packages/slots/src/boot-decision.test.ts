import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BootInput, decideBoot } from "./boot-decision.ts";
import type { BootRecord, SlotName } from "./boot-record.ts";

const [A, B, F, C] = ["a", "b", "f", "c"].map((letter) => letter.repeat(64)) as [string, string, string, string];
const digest = fc.constantFrom(A, B, F, C);
const slot = fc.constantFrom<SlotName>("factory", "a", "b");
const ref = fc.record({ slot, digest });
const record: fc.Arbitrary<BootRecord> = fc.record(
  { committed: ref, previous: ref, trial: fc.record({ slot, digest, triesLeft: fc.nat(3) }) },
  { requiredKeys: ["committed"] },
);
const whole: fc.Arbitrary<BootInput["whole"]> = fc.record(
  { factory: digest, a: digest, b: digest },
  { requiredKeys: [] },
);

describe("the boot decision", () => {
  it("starts the factory's build on a new device, and writes that down", () => {
    const decision = decideBoot({ record: undefined, whole: { factory: F, a: A } });
    expect(decision).toMatchObject({
      slot: "factory",
      trial: false,
      write: { committed: { slot: "factory", digest: F } },
    });
  });

  it("starts what was committed without a write, any number of times", () => {
    const healthy = { committed: { slot: "a", digest: A } } as const;
    const decision = decideBoot({ record: healthy, whole: { factory: F, a: A, b: B } });
    expect(decision).toEqual({ slot: "a", digest: A, trial: false });
  });

  it("counts a trial's tries before it is started, then gives it up with the last reason", () => {
    let present: BootRecord = { committed: { slot: "a", digest: A }, trial: { slot: "b", digest: B, triesLeft: 2 } };
    const all = { factory: F, a: A, b: B };
    const failure = { reason: "AGENT_DID_NOT_START", message: "it ended with code 1" };
    for (const triesLeft of [1, 0]) {
      const decision = decideBoot({ record: present, whole: all, failure });
      expect(decision).toMatchObject({ slot: "b", trial: true, write: { trial: { triesLeft } } });
      present = decision?.write ?? present;
    }
    const last = decideBoot({ record: present, whole: all, failure });
    expect(last).toEqual({
      slot: "a",
      digest: A,
      trial: false,
      write: { committed: { slot: "a", digest: A }, abandoned: { digest: B, ...failure, deny: true } },
    });
  });

  it("does not start a trial whose slot is damaged, and does not hold it against the build", () => {
    const present = { committed: { slot: "a", digest: A }, trial: { slot: "b", digest: B, triesLeft: 3 } } as const;
    const decision = decideBoot({ record: present, whole: { factory: F, a: A } });
    expect(decision).toMatchObject({ slot: "a", write: { abandoned: { digest: B, reason: "DISK", deny: false } } });
  });

  it("falls back from a damaged committed slot to the one before, then to the factory's, and says so", () => {
    const present = { committed: { slot: "b", digest: B }, previous: { slot: "a", digest: A } } as const;
    const abandoned = { digest: B, reason: "DISK", deny: false };
    expect(decideBoot({ record: present, whole: { factory: F, a: A } })).toMatchObject({
      slot: "a",
      write: { abandoned },
    });
    expect(decideBoot({ record: present, whole: { factory: F } })).toMatchObject({
      slot: "factory",
      write: { abandoned },
    });
    // Slot a holds another build by now: it was staged there and never tried.
    expect(decideBoot({ record: present, whole: { factory: F, a: C } })).toMatchObject({ slot: "factory" });
  });

  it("starts something whenever anything is whole, and nothing that is not", () => {
    fc.assert(
      fc.property(fc.option(record, { nil: undefined }), whole, (present, slots) => {
        const decision = decideBoot({ record: present, whole: slots });
        if (Object.keys(slots).length === 0) expect(decision).toBeUndefined();
        else expect(decision && slots[decision.slot]).toBe(decision?.digest);
      }),
    );
  });

  it("comes to rest: started again and again, the same slot runs without a write within a trial's tries", () => {
    fc.assert(
      fc.property(fc.option(record, { nil: undefined }), whole, (start, slots) => {
        fc.pre(Object.keys(slots).length > 0);
        let present = start;
        for (let starts = 0; starts < 6; starts += 1)
          present = decideBoot({ record: present, whole: slots })?.write ?? present;
        const settled = decideBoot({ record: present, whole: slots });
        expect(settled?.write).toBeUndefined();
        expect(settled?.trial).toBe(false);
      }),
    );
  });

  it("never burns a try of a trial that it does not start", () => {
    fc.assert(
      fc.property(record, whole, (present, slots) => {
        const decision = decideBoot({ record: present, whole: slots });
        const before = present.trial?.triesLeft;
        const after = decision?.write?.trial?.triesLeft;
        if (after !== undefined && before !== undefined && after < before) expect(decision?.trial).toBe(true);
      }),
    );
  });
});
