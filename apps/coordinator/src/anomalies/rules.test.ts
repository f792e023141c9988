import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AskSight, EventKind, Sight } from "./kinds.ts";
import { Suspicions, look } from "./rules.ts";

const START_MS = 1_800_000_000_000;
const MINUTE_MS = 60_000;
const WAKE_MS = 15 * MINUTE_MS;
const [OLD, NEW] = ["a".repeat(64), "b".repeat(64)];
const LISTED = new Set([OLD, NEW]);

function askOf(more: Partial<AskSight> = {}): AskSight {
  return {
    kind: "ask",
    nodeId: "n0123456789abcdef",
    poolId: "home",
    askId: "ask-1",
    bootId: "boot-1",
    sequence: 1,
    digest: OLD,
    deniedBefore: [],
    deniedNow: [],
    lastBootId: "",
    lastSequence: 0,
    answeredAtMs: undefined,
    ...more,
  };
}

/** Shows what was seen, each at its time; answers what was found. */
function found(sights: readonly (readonly [number, Sight])[], state = new Suspicions()): readonly EventKind[] {
  return sights.flatMap(([atMs, sight]) => look(state, sight, START_MS + atMs, LISTED).map(({ kind }) => kind));
}

/** What an honest node's asks are: as the agent numbers them, with retries that carry number and id again. */
function life(steps: readonly { readonly gapMs: number; readonly retries: number; readonly reboots: boolean }[]) {
  const sights: [number, AskSight][] = [];
  let [atMs, boot, sequence, lastSequence] = [0, 1, 0, 0];
  let lastBootId = "";
  let answeredAtMs: number | undefined;
  for (const [nth, { gapMs, retries, reboots }] of steps.entries()) {
    atMs += gapMs;
    if (reboots) [boot, sequence] = [boot + 1, 0];
    sequence += gapMs + 1;
    for (let copy = 0; copy <= retries; copy += 1) {
      const bootId = `boot-${boot}`;
      sights.push([atMs, askOf({ askId: `ask-${nth}`, bootId, sequence, lastBootId, lastSequence, answeredAtMs })]);
      [lastBootId, lastSequence, answeredAtMs] = [bootId, sequence, START_MS + atMs];
      atMs += 500;
    }
  }
  return sights;
}

describe("an ask", () => {
  test("of an honest node is never suspected, whatever its retries and reboots", () => {
    const step = fc.record({
      gapMs: fc.integer({ min: 10_000, max: 2 * WAKE_MS }),
      retries: fc.integer({ min: 0, max: 4 }),
      reboots: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        expect(found(life(steps))).toEqual([]);
      }),
    );
  });

  test("from a build that the node has abandoned, by what it said before or says now", () => {
    expect(found([[0, askOf({ deniedBefore: [OLD] })]])).toEqual(["DENIED_DIGEST"]);
    expect(found([[0, askOf({ deniedNow: [NEW, OLD] })]])).toEqual(["DENIED_DIGEST"]);
    expect(found([[0, askOf({ deniedBefore: [NEW], deniedNow: [NEW] })]])).toEqual([]);
  });

  test("from a build that no list named, once anything is known of lists", () => {
    const unknown = askOf({ digest: "c".repeat(64) });
    expect(look(new Suspicions(), unknown, START_MS, LISTED)).toMatchObject([
      { kind: "UNKNOWN_DIGEST", subject: unknown.digest, nodeId: unknown.nodeId },
    ]);
    expect(look(new Suspicions(), unknown, START_MS, new Set())).toEqual([]);
  });

  test("with a number that another ask of its boot has", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), fc.uuid(), fc.uuid(), (sequence, one, two) => {
        fc.pre(one !== two);
        const [first, second] = [askOf({ sequence, askId: one }), askOf({ sequence, askId: two })];
        expect(
          found([
            [0, first],
            [1, second],
          ]),
        ).toEqual(["SEQUENCE_FORK"]);
        expect(
          found([
            [0, first],
            [1, first],
          ]),
        ).toEqual([]);
        expect(
          found([
            [0, first],
            [1, { ...second, bootId: "boot-2" }],
          ]),
        ).toEqual([]);
        expect(
          found([
            [0, first],
            [1, { ...second, nodeId: "n1" }],
          ]),
        ).toEqual([]);
      }),
    );
  });

  test("of a second order within a boot, by turns with the first; once or late it counts for nothing", () => {
    const turn = (nth: number, behind: number): readonly [number, AskSight][] => {
      const [high, atMs] = [1_000_000 + nth * 1000, nth * WAKE_MS];
      const last = { lastBootId: "boot-1", lastSequence: high };
      return [
        [atMs, askOf({ askId: `high-${nth}`, sequence: high, ...last, lastSequence: high - 1000 })],
        [atMs + 1000, askOf({ askId: `low-${nth}`, sequence: high - behind, ...last })],
      ];
    };
    expect(found([...turn(1, 5000), ...turn(2, 5000)])).toEqual([]);
    expect(found([...turn(1, 5000), ...turn(2, 5000), ...turn(3, 5000)])).toEqual(["SEQUENCE_FORK"]);
    const [late] = turn(1, 5000).slice(1);
    if (late === undefined) throw new Error("no ask");
    expect(found(Array.from({ length: 9 }, (_, nth) => [nth * MINUTE_MS, late[1]] as const))).toEqual([]);
  });

  test("asks too often, and every nudge explains one more", () => {
    const soon = (count: number): readonly [number, AskSight][] =>
      Array.from({ length: count }, (_, nth) => [
        nth * 1000,
        askOf({ askId: `${nth}`, sequence: nth + 1, answeredAtMs: START_MS + nth * 1000 - 1000 }),
      ]);
    expect(found(soon(20))).toEqual([]);
    expect(found(soon(22))).toEqual(["ASK_STORM", "ASK_STORM"]);
    expect(found([[0, { kind: "nudge" }], [0, { kind: "nudge" }], ...soon(22)])).toEqual([]);
  });
});

describe("besides asks", () => {
  test("a dial is turned twice within a minute, and not when a minute has passed", () => {
    const turn = (version: string): Sight => ({ kind: "dial", version });
    expect(
      found([
        [0, turn("1")],
        [1000, turn("2")],
        [59_999, turn("1")],
      ]),
    ).toEqual(["DIAL_TURNED_TWICE"]);
    expect(
      found([
        [0, turn("1")],
        [MINUTE_MS, turn("1")],
      ]),
    ).toEqual([]);
  });

  test("devices enrol in a burst with one token, and as many with several do not", () => {
    const enrolment = (nth: number, tokens: number): readonly [number, Sight] => [
      nth,
      { kind: "enrolment", tokenId: `t${nth % tokens}` },
    ];
    expect(found(Array.from({ length: 60 }, (_, nth) => enrolment(nth, 1)))).toEqual([]);
    expect(found(Array.from({ length: 61 }, (_, nth) => enrolment(nth, 1)))).toEqual(["ENROLMENT_BURST"]);
    expect(found(Array.from({ length: 120 }, (_, nth) => enrolment(nth, 2)))).toEqual([]);
  });

  test("an address fails again and again; all of an IPv6 network are one, as is IPv4 in its clothes", () => {
    const failures = (address: (nth: number) => string): readonly EventKind[] =>
      found(Array.from({ length: 11 }, (_, nth) => [nth, { kind: "failure", address: address(nth) }] as const));
    const one = ["AUTHENTICATION_FAILURES"];
    expect(failures(() => "192.0.2.1")).toEqual(one);
    expect(failures((nth) => (nth % 2 === 0 ? "192.0.2.1" : "::ffff:192.0.2.1"))).toEqual(one);
    expect(failures((nth) => `2001:db8:1:2::${nth.toString(16)}`)).toEqual(one);
    expect(failures((nth) => `2001:db8:1:${nth.toString(16)}::1`)).toEqual([]);
    expect(failures((nth) => `192.0.2.${nth}`)).toEqual([]);
  });

  test("what is no address, or none at all, is counted and breaks nothing", () => {
    fc.assert(fc.property(fc.string({ maxLength: 60 }), (address) => void found([[0, { kind: "failure", address }]])));
  });
});

test("memory is bounded, whoever comes", () => {
  const state = new Suspicions();
  for (let nth = 0; nth < 30_000; nth += 1) {
    look(state, { kind: "failure", address: `10.${nth >> 16}.${(nth >> 8) & 255}.${nth & 255}` }, START_MS, LISTED);
    look(state, { kind: "enrolment", tokenId: `t${nth}` }, START_MS, LISTED);
    look(state, { kind: "dial", version: `v${nth}` }, START_MS, LISTED);
    look(state, askOf({ nodeId: `n${nth}`, answeredAtMs: START_MS }), START_MS, LISTED);
  }
  expect([state.failures.size, state.enrolments.size, state.soonAsks.size, state.dials.size]).toEqual([
    10_000, 10_000, 10_000, 1_000,
  ]);
});
