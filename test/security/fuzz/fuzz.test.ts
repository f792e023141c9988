/** A short run in every test, the long one under MOULT_DEEP=1; and that no reader of the sources is forgotten. */
import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { fuzz } from "./fuzz.ts";
import { EXCUSED, PARSERS } from "./registry.ts";
import { samplesOf } from "./round.ts";
import { readersInSources } from "./survey.ts";

const DEEP = process.env["MOULT_DEEP"] === "1";
const INPUTS = DEEP ? 10_000_000 : 20_000;
const SEED = Number(process.env["MOULT_SEED"] ?? Date.now() % 2 ** 32);
/** What is kept between inputs is caches of some kilobytes. */
const GROWTH_MAX_MB = 32;

test("every reader in the sources is fuzzed, or excused with a reason", () => {
  const known = new Set([...PARSERS.flatMap(({ covers }) => covers), ...Object.keys(EXCUSED)]);
  const there = readersInSources();
  expect(there.filter((reader) => !known.has(reader))).toEqual([]);
  expect([...known].filter((reader) => !there.includes(reader))).toEqual([]);
  expect(new Set(PARSERS.map(({ name }) => name)).size).toBe(PARSERS.length);
});

test.each(PARSERS.map((parser) => [parser.name, parser] as const))(
  "%s: at least one sample is read",
  async (_, parser) => {
    const outcomes = await Promise.allSettled(
      samplesOf(parser).map(async (bytes) => parser.parse(new Uint8Array(bytes))),
    );
    expect(outcomes.some(({ status }) => status === "fulfilled")).toBe(true);
  },
);

test(
  `parsers refuse in their own words, in time and in bounded memory (seed ${SEED})`,
  { timeout: 7_200_000 },
  async () => {
    const threads = DEEP ? availableParallelism() : 1;
    const { inputs, crashes, hangs, heapGrowthMB } = await fuzz({ inputs: INPUTS, seed: SEED, threads });
    expect(crashes).toEqual([]);
    expect(hangs).toEqual([]);
    expect(inputs).toBeGreaterThanOrEqual(INPUTS);
    expect(heapGrowthMB).toBeLessThan(GROWTH_MAX_MB);
  },
);
