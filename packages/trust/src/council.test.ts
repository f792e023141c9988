import { describe, expect, test } from "vitest";
import { checkCouncil, parseCouncil } from "./council.ts";
import { TrustError } from "./errors.ts";
import { councilOf } from "./fixtures.ts";

function codeOf(act: () => unknown): string {
  try {
    act();
    return "accepted";
  } catch (error) {
    if (error instanceof TrustError) return error.code;
    throw error;
  }
}

const { keys } = councilOf(1, 3);
const IDENTITY = `01${"00".repeat(31)}`;

describe("a council", () => {
  test("is a threshold and keys", () => {
    expect(parseCouncil({ threshold: 2, keys })).toEqual({ threshold: 2, keys });
  });

  test.each([
    ["no object", [2, keys]],
    ["an unknown key", { threshold: 2, keys, quorum: 2 }],
    ["a threshold in words", { threshold: "2", keys }],
    ["keys that are none", { threshold: 1, keys: [7] }],
    ["no keys", { threshold: 1 }],
    ["threshold 0", { threshold: 0, keys }],
    ["a negative threshold", { threshold: -1, keys }],
    ["half a threshold", { threshold: 1.5, keys }],
    ["not a number", { threshold: Number.NaN, keys }],
    ["more than there are keys", { threshold: 4, keys }],
    ["more than there are distinct keys", { threshold: 2, keys: [keys[0], keys[0]] }],
    ["an empty council", { threshold: 0, keys: [] }],
    ["a key in capitals", { threshold: 1, keys: [keys[0]?.toUpperCase()] }],
    ["a small-order key beside good ones", { threshold: 1, keys: [...keys, IDENTITY] }],
    ["too many keys", { threshold: 1, keys: Array.from({ length: 65 }, () => keys[0]) }],
  ])("%s", (_, value) => {
    expect(codeOf(() => parseCouncil(value))).toBe("COUNCIL_INVALID");
  });

  test("a key named twice is one key", () => {
    expect(checkCouncil({ threshold: 3, keys: [...keys, ...keys] }).keysById.size).toBe(3);
  });
});
