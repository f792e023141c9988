import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CliError } from "../errors.ts";
import { parseDurationMs, parseDurationS } from "./duration.ts";
import { fullName, idOf } from "./names.ts";
import { positiveNumber, wholeNumber } from "./numbers.ts";
import { parsePair, parsePairs } from "./pairs.ts";
import { formatSelector, parseSelector } from "./selector.ts";
import { parseShare } from "./share.ts";

function refused(act: () => unknown): boolean {
  try {
    act();
    return false;
  } catch (error) {
    if (error instanceof CliError) return error.kind === "USAGE";
    throw error;
  }
}

describe("durations", () => {
  test.each([
    ["500ms", 500],
    ["90s", 90_000],
    ["10m", 600_000],
    ["1h30m", 5_400_000],
    ["30d", 2_592_000_000],
    ["0s", 0],
  ])("%s", (text, ms) => expect(parseDurationMs(text)).toBe(ms));

  test.each(["", "10", "m", "-1m", "1.5h", "10 m", "1w", "10m ", "9999999999s"])("%j is none", (text) => {
    expect(refused(() => parseDurationMs(text))).toBe(true);
  });

  test.each(["0s", "500ms", "1500ms", "61s"])("%s is not 1 to 60 whole seconds", (text) => {
    expect(refused(() => parseDurationS(text, 60))).toBe(true);
  });

  test.each(["1s", "1m", "1000ms"])("%s is", (text) => expect(parseDurationS(text, 60)).toBeGreaterThan(0));
});

describe("shares", () => {
  test.each([
    ["25%", 0.25],
    ["0%", 0],
    ["100%", 1],
    ["0.25", 0.25],
    ["1", 1],
    ["0.5%", 0.005],
  ])("%s", (text, fraction) => expect(parseShare(text)).toBeCloseTo(fraction, 12));

  test.each(["", "%", "25", "101%", "-1%", "1e-3", "NaN", "0x1", "25 %", ".5"])("%j is none", (text) => {
    expect(refused(() => parseShare(text))).toBe(true);
  });
});

describe("selectors", () => {
  test.each([
    ["region=eu", [{ key: "region", values: ["eu"] }]],
    ["region = eu", [{ key: "region", values: ["eu"] }]],
    [
      "region=eu,model in (m1|m2)",
      [
        { key: "region", values: ["eu"] },
        { key: "model", values: ["m1", "m2"] },
      ],
    ],
    [
      "model in (m1, m2) , a=b",
      [
        { key: "model", values: ["m1", "m2"] },
        { key: "a", values: ["b"] },
      ],
    ],
  ])("%s", (text, requirements) => expect(parseSelector(text)).toEqual(requirements));

  test.each([
    "",
    "region",
    "=eu",
    "region=",
    "region=eu,",
    "a in ()",
    "a in (b",
    "a in b",
    "a in (b|)",
    "a=b=c",
    "ä=b",
  ])("%j is none", (text) => expect(refused(() => parseSelector(text))).toBe(true));

  test("are written as they are read", () => {
    const word = fc.stringMatching(/^[\w.-]{1,63}$/);
    const requirement = fc.record({ key: word, values: fc.array(word, { minLength: 1, maxLength: 4 }) });
    fc.assert(
      fc.property(fc.array(requirement, { minLength: 1, maxLength: 4 }), (requirements) => {
        expect(parseSelector(formatSelector(requirements))).toEqual(requirements);
      }),
    );
  });
});

describe("names", () => {
  test("a bare id is as good as a name", () => {
    expect(fullName("nodes", "n1")).toBe("nodes/n1");
    expect(fullName("nodes", "nodes/n1")).toBe("nodes/n1");
    expect(fullName("releases", "2.0.0+b.1")).toBe("releases/2.0.0+b.1");
    expect(idOf("nodes/n1")).toBe("n1");
  });

  test.each(["", "nodes/", "pools/n1", "a b", "../x", ".x", "a/b", "x".repeat(129)])("%j names no node", (text) => {
    expect(refused(() => fullName("nodes", text))).toBe(true);
  });
});

test("numbers are decimal and within bounds", () => {
  const read = wholeNumber(1, 10);
  expect([read("1"), read("10")]).toEqual([1, 10]);
  for (const text of ["", "0", "11", "1.5", "-1", "1e1", "0x1", " 1"]) expect(refused(() => read(text))).toBe(true);
  expect(positiveNumber("0.5")).toBe(0.5);
  for (const text of ["", "0", "-1", "1e3", "NaN", "Infinity"]) expect(refused(() => positiveNumber(text))).toBe(true);
});

test("pairs end their key at the first =", () => {
  expect(parsePair("a/b=c=d", "PATH=FILE")).toEqual(["a/b", "c=d"]);
  expect(parsePairs(["a=1", "b=2"], "K=V")).toEqual({ a: "1", b: "2" });
  for (const text of ["", "a", "=a", "a="]) expect(refused(() => parsePair(text, "K=V"))).toBe(true);
  expect(refused(() => parsePairs(["a=1", "a=2"], "K=V"))).toBe(true);
});
