/** Nodes as they are written and read back, in slices, against the nodes themselves. */
import { NO_SITUATION, hostNumbers } from "@moult/policy";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Packer, Unpacker } from "./packed-nodes.ts";
import { nodeState } from "./rows.ts";
import { recordOf } from "./testing/changes.ts";

const word = fc.string({ maxLength: 6 });
const time = fc.integer({ min: 0, max: 2 ** 45 });
const claim = fc.double({ min: 0, max: 1e9, noNaN: true }).map((value) => value + 0);
const few = fc.constantFrom("1.0.0", "1.1.0");
const said = fc.record({
  running: fc.option(
    fc.record({
      version: few,
      digest: few,
      releaseCounter: fc.nat(3),
      platform: fc.record({ os: few, arch: few }),
    }),
    { nil: undefined },
  ),
  situation: fc.record({
    capacityRps: claim,
    loadRps: claim,
    inFlight: fc.nat(),
    shards: fc.array(few, { maxLength: 2 }),
    workState: fc.constantFrom("NONE" as const, "SERVING" as const, "STOPPED" as const),
    interruptible: fc.boolean(),
    endpoint: word,
    host: fc.record({ cpuCount: fc.nat(), uptimeMs: time, cpuBusyRatio: claim }, { requiredKeys: [] }).map(hostNumbers),
    osRelease: few,
  }),
  bootId: word,
  sequence: time,
  orderedSequence: time,
  formerBootIds: fc.array(word, { maxLength: 2 }),
  bootHeardAtMs: time,
  rival: fc.constantFrom(undefined, { bootId: "b", sequence: 1, returns: 1, answered: false }),
  quarantine: fc.constantFrom(undefined, { message: "two", atMs: 1 }),
  lost: fc.boolean(),
  lastVerdict: fc.option(
    fc.record({
      decision: fc.constantFrom("STAY" as const, "GO" as const),
      gate: fc.constantFrom(undefined, "DIAL" as const),
      reason: fc.constantFrom("PASSED" as const, "DIAL_NOBODY" as const),
      atMs: time,
    }),
    { nil: undefined },
  ),
  lastOutcomeKey: word,
  deniedDigests: fc.array(word, { maxLength: 2 }),
});
const identity = fc.record({
  nodeId: word,
  poolId: few,
  publicKey: fc.oneof(
    word,
    fc.string({ unit: fc.constantFrom("0", "1", "9", "a", "f"), minLength: 64, maxLength: 64 }),
  ),
  model: few,
  labels: fc.dictionary(few, few, { maxKeys: 1 }),
  domains: fc.array(few, { maxLength: 2 }),
  enrolledAtMs: time,
});

const NEVER_SPOKE = {
  situation: NO_SITUATION,
  bootId: "",
  sequence: 0,
  orderedSequence: 0,
  formerBootIds: [],
  bootHeardAtMs: 0,
  lost: false,
  lastOutcomeKey: "",
  deniedDigests: [],
};

test("nodes come out of their rows as they went in, slice by slice, and those that never spoke as they began", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.tuple(identity, fc.option(said, { nil: undefined })), { maxLength: 5 }), { maxLength: 4 }),
      (slices) => {
        const packer = new Packer();
        const unpacker = new Unpacker();
        for (const slice of slices) {
          const rows = slice.map(
            ([who, state]) =>
              [
                JSON.stringify(who),
                state === undefined ? null : nodeState({ lastOutcome: undefined, ...state }),
              ] as const,
          );
          // As it goes from thread to thread.
          const nodes = unpacker.unpack(structuredClone(packer.pack(rows)));
          expect(nodes.map(recordOf)).toEqual(
            slice.map(([who, state]) => ({ identity: who, ...(state ?? NEVER_SPOKE) })),
          );
          expect(nodes.every((node) => node.reportedAtMs === undefined && node.permit === undefined)).toBe(true);
        }
      },
    ),
  );
});

test("what many nodes have alike is kept once", () => {
  const state = JSON.stringify({ running: { digest: "d", platform: {} } });
  const row = [JSON.stringify({ nodeId: "n", publicKey: "", labels: { a: "b" }, domains: ["d"] }), state] as const;
  const packer = new Packer();
  const unpacker = new Unpacker();
  const blocks = [packer.pack([row, row]), packer.pack([row]), new Packer().pack([row])];
  const nodes = blocks.flatMap((block) => unpacker.unpack(structuredClone(block)));
  expect(new Set(nodes.map((node) => node.running)).size).toBe(1);
  expect(new Set(nodes.map((node) => node.labels)).size).toBe(1);
});
