import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { boundsInSource, limitsPage } from "./limits-page.ts";
import { LIMITS } from "./limits.ts";
import { metricsPage } from "./metrics-page.ts";

const DOCS = join(import.meta.dirname, "..", "docs");

test("each bound in the coordinator's source is on the page, and says what happens at it", () => {
  const limits = Object.values(LIMITS).flat();
  const named = new Set(limits.map(({ at }) => at));
  const missing = boundsInSource()
    .map(({ file, name }) => `${file} ${name}`)
    .filter((at) => !named.has(at));
  expect(missing, "add these to scripts/limits.ts, with what happens at them, and run `pnpm generate`").toEqual([]);
  expect(limits.filter(({ outcome }) => outcome === "")).toEqual([]);
});

test("the pages that are made from the coordinator's code are those that are committed", () => {
  for (const [name, made] of [
    ["limits.md", limitsPage],
    ["metrics.md", metricsPage],
  ] as const) {
    expect(readFileSync(join(DOCS, name), "utf8"), `docs/${name} is stale: run \`pnpm generate\``).toBe(made());
  }
});
