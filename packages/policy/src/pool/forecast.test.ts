/** The forecast knows a day it has seen, and how wrong it is. */
import { describe, expect, test } from "vitest";
import { Forecast } from "./forecast.ts";
import { History } from "./history.ts";
import { HORIZONS_MIN } from "./risk.ts";

const HALF_HOUR = HORIZONS_MIN.indexOf(30);

function run(minutes: number, demand: (minute: number) => number): Forecast {
  const history = new History();
  const forecast = new Forecast(history);
  for (let minute = 1000; minute < 1000 + minutes; minute += 1) {
    history.add(minute, demand(minute), 0);
    forecast.add(minute, demand(minute));
  }
  return forecast;
}

const day = (minute: number): number => 1000 + 300 * Math.sin((2 * Math.PI * minute) / 1440);

describe("the forecast", () => {
  test("expects no growth of a flat demand and is sure of it", () => {
    const forecast = run(3000, () => 500);
    expect(forecast.growth(HALF_HOUR)).toBe(1);
    expect(forecast.deviation(HALF_HOUR)).toBeLessThan(0.015);
  });

  test("expects the rise that yesterday had at this hour", () => {
    // The sine rises fastest at multiples of a day.
    const forecast = run(1440 * 3 - 1000, day);
    const now = 1440 * 3 - 1;
    expect(forecast.growth(HALF_HOUR)).toBeCloseTo(day(now + 30) / day(now), 1);
    expect(forecast.growth(HALF_HOUR)).toBeGreaterThan(1.02);
  });

  test("knows after a jump that it is less sure", () => {
    const calm = run(1500, () => 500);
    const jumpy = run(1500, (minute) => (Math.floor(minute / 45) % 2 === 0 ? 500 : 650));
    expect(jumpy.deviation(HALF_HOUR)).toBeGreaterThan(4 * calm.deviation(HALF_HOUR));
  });
});
