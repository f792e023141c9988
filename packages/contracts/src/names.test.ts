import fc from "fast-check";
import { expect, test } from "vitest";
import { formatName, parseName } from "./names.ts";

test("what was formatted is parsed again", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/), (id) => {
      expect(parseName("nodes", formatName("nodes", id))).toBe(id);
      expect(parseName("pools", formatName("nodes", id))).toBeUndefined();
    }),
  );
});

test.each([
  "",
  "nodes/",
  "nodes",
  "n1",
  "/nodes/n1",
  "nodes/.",
  "nodes/..",
  "nodes/a/b",
  "nodes/a b",
  "nodes/\u00e9",
  "nodes/a\n",
])("%j is no name of a node", (name) => {
  expect(parseName("nodes", name)).toBeUndefined();
});

test("an id has at most 128 characters", () => {
  expect(parseName("nodes", `nodes/${"a".repeat(128)}`)).toBeDefined();
  expect(parseName("nodes", `nodes/${"a".repeat(129)}`)).toBeUndefined();
});
