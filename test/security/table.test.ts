/** Every row of the design's list has an attack, and every family a mutant that shows that its attacks can succeed. */
import { expect, test } from "vitest";
import { AWAITED, FAMILIES } from "./attacks.ts";
import { BEYOND, GOVERNANCE, ROWS } from "./harness/rows.ts";

const ATTACKS = Object.values(FAMILIES).flat();

test("every row of the list has an attack, or waits for the governance", () => {
  const attacked = new Set<string>(ATTACKS.map(({ row }) => row));
  expect(ROWS.filter((row) => !attacked.has(row))).toEqual(AWAITED);
  expect([...attacked].filter((row) => row !== BEYOND && !ROWS.some((known) => known === row))).toEqual([]);
  expect(Object.keys(GOVERNANCE).filter((row) => attacked.has(row))).toEqual([]);
});

test("every family has a mutant, and every attack a name of its own", () => {
  const tame = Object.entries(FAMILIES).filter(([, attacks]) =>
    attacks.every(({ mutants = [] }) => mutants.length === 0),
  );
  expect(tame.map(([family]) => family)).toEqual([]);
  expect(new Set(ATTACKS.map(({ name }) => name)).size).toBe(ATTACKS.length);
});

test("a mutant of an agent is one patch, as bundles take it", () => {
  const mutants = ATTACKS.flatMap(({ mutants = [] }) => mutants);
  expect(mutants.filter(({ of, patches }) => patches.length === 0 || (of === "agent" && patches.length > 1))).toEqual(
    [],
  );
});
