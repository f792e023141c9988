/** Churn: what goes together weighs more than what goes one by one. */
import { expect, test } from "vitest";
import { Churn } from "./churn.ts";

function run(minutes: number, lost: (minute: number) => number): Churn {
  const churn = new Churn();
  for (let minute = 0; minute < minutes; minute += 1) {
    if (lost(minute) > 0) churn.vanished(lost(minute), 120_000);
    churn.minute(1000);
  }
  return churn;
}

test("a pool that loses nothing is soon believed to", () => {
  expect(run(1440, () => 0).mean(10)).toBeLessThan(0.003);
});

test("the same loss weighs more where it comes at once", () => {
  const single = run(2880, (minute) => (minute % 5 === 0 ? 1 : 0));
  const together = run(2880, (minute) => (minute % 500 === 0 ? 100 : 0));
  expect(together.mean(10)).toBeCloseTo(single.mean(10), 2);
  expect(together.variance(10, 0)).toBeGreaterThan(20 * single.variance(10, 0));
});
