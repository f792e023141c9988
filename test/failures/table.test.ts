/** docs/failures.md names every test, every defence and everything that is open. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FAILURES } from "./failures.ts";

const TABLE = readFileSync(join(import.meta.dirname, "../../docs/failures.md"), "utf8").replaceAll(/ +/g, " ");

test("the document has all twenty rows and all that is tested", () => {
  const rows = new Set(FAILURES.map(({ name }) => Number(name.slice(0, 2))));
  expect([...rows]).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  expect(new Set(FAILURES.map(({ name }) => name)).size).toBe(FAILURES.length);
  const words = FAILURES.flatMap(({ name, open, mutants = [] }) => [
    name,
    ...(open === undefined ? [] : [open]),
    ...mutants.map(({ defence }) => defence),
  ]);
  expect(words.filter((word) => !TABLE.includes(word))).toEqual([]);
  const marked = TABLE.slice(TABLE.indexOf("## What is open"));
  const done = FAILURES.filter(({ name, open }) => open === undefined && marked.includes(name));
  expect(done.map(({ name }) => name)).toEqual([]);
});
