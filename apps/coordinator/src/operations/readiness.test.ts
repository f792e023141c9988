import { expect, test } from "vitest";
import { readinessOf } from "./readiness.ts";

const ALONE = { isStopping: false, isDeciding: true, replica: undefined };
const SEATED = { isBlind: false, reachesOther: false };

test.each([
  ["the only one, with its store", ALONE, true],
  ["the only one, without it", { ...ALONE, isDeciding: false }, false],
  ["one that stops, whatever else", { ...ALONE, isStopping: true }, false],
  ["a replica that decides", { ...ALONE, replica: SEATED }, true],
  [
    "a replica that reaches the one that decides",
    { ...ALONE, isDeciding: false, replica: { ...SEATED, reachesOther: true } },
    true,
  ],
  ["a replica that reaches nobody", { ...ALONE, isDeciding: false, replica: SEATED }, false],
  [
    "a replica that cannot look at the store, though it still reaches another",
    { ...ALONE, isDeciding: false, replica: { isBlind: true, reachesOther: true } },
    false,
  ],
])("%s", (_, standing, isReady) => {
  expect(readinessOf(standing).isReady).toBe(isReady);
});
