/** The crash enumeration as a test: short by default, whole under MOULT_DEEP=1. */
import { beforeAll, describe, expect, it } from "vitest";
import { MUTANTS } from "./mutants/index.ts";
import { FULL, SHORT } from "./options.ts";
import { describe as tell } from "./report.ts";
import { type Recorded, cutAll, findOut, recordAll } from "./run.ts";

const isDeep = process.env["MOULT_DEEP"] === "1";
const seed = Number(process.env["MOULT_SEED"] ?? "1");
const bounds = { ...(isDeep ? FULL : SHORT), seed };

/** Distinct states below this would mean that something is not cut any more. */
const STATES_MIN = isDeep ? 10_000 : 1_500;

/** The whole run takes minutes, in milliseconds. */
const WITHIN_MS = isDeep ? 1_200_000 : 180_000;

let recorded: ReadonlyMap<string, Recorded>;

beforeAll(async () => {
  recorded = await recordAll();
});

describe(`a device whose power is cut at any disk operation (seed ${seed})`, () => {
  it(
    "boots something whole, keeps what it promised, and gets on",
    async () => {
      const tally = await cutAll(recorded, [...recorded.keys()], bounds, () => undefined);
      expect(tally.findings.map((finding) => tell(finding, seed)).join("\n")).toBe("");
      expect(tally.states.size).toBeGreaterThanOrEqual(STATES_MIN);
    },
    WITHIN_MS,
  );

  it.each(MUTANTS)("would not, and the enumeration says so: $name", async (mutant) => {
    expect(await findOut(mutant, recorded, seed)).toBeDefined();
  });
});
