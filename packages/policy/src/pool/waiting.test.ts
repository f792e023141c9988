/** The hold: the oldest that still asks, once it has waited long enough. */
import { expect, test } from "vitest";
import { RISK_DEFAULTS } from "./risk.ts";
import { Waiting } from "./waiting.ts";

const { holdAfterMs, waiterSilentMs } = RISK_DEFAULTS;

test("the oldest waiter becomes the hold, and only after its time", () => {
  const waiting = new Waiting<string>();
  waiting.refused("a", 0);
  waiting.refused("b", 1);
  expect(waiting.hold(holdAfterMs - 1, RISK_DEFAULTS)).toBeUndefined();
  waiting.refused("a", holdAfterMs);
  waiting.refused("b", holdAfterMs);
  expect(waiting.hold(holdAfterMs + 1, RISK_DEFAULTS)).toBe("a");
  waiting.done("a");
  expect(waiting.hold(holdAfterMs + 1, RISK_DEFAULTS)).toBe("b");
});

test("who has stopped asking holds nobody up", () => {
  const waiting = new Waiting<string>();
  waiting.refused("a", 0);
  const later = holdAfterMs + waiterSilentMs;
  expect(waiting.hold(later, RISK_DEFAULTS)).toBeUndefined();
  expect(waiting.refused("a", later)).toBe(later);
});
