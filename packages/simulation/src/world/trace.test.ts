/** Series from outside: what is read, what is refused and why, and what lies between two rows. */
import { describe, expect, test } from "vitest";
import { TraceError, parseAvailability, parseDemand, valueAt, windowStarts } from "./trace.ts";

describe("a demand series", () => {
  test("is read with or without a header and with comments", () => {
    expect([...parseDemand("# of a city\nminute,value\n0,10\n30,20\n").values]).toEqual([10, 20]);
    expect([...parseDemand("0,10\n30,20").minutes]).toEqual([0, 30]);
  });

  test.each([
    ["minute,value\n0,10\n0,11", /line 3: minutes must rise/],
    ["minute,value\n0,10\n30,-1", /line 3: want "minute,value"/],
    ["minute,value\n0,10\n30,NaN", /line 3/],
    ["minute,value\n0,10,5\n30,1", /line 2/],
    ["minute,value\n0,10", /at least two rows/],
    ["", /at least two rows/],
  ])("%j is refused with its line", (text, message) => {
    expect(() => parseDemand(text)).toThrow(TraceError);
    expect(() => parseDemand(text)).toThrow(message);
  });

  test("is a straight line between two rows and its ends outside", () => {
    const trace = parseDemand("0,10\n30,40");
    expect([-5, 0, 10, 30, 99].map((minute) => valueAt(trace, minute))).toEqual([10, 10, 20, 40, 40]);
  });

  test("has windows at the hour that is asked for, with their history inside", () => {
    const trace = parseDemand(Array.from({ length: 30 * 48 }, (_, row) => `${row * 30},1`).join("\n"));
    const starts = windowStarts(trace, 4, { beforeMinutes: 1440, lengthMinutes: 8640, hour: 15 });
    expect(starts.every((start) => start % 1440 === 900 && start >= 1440)).toBe(true);
    expect(new Set(starts).size).toBe(4);
    expect(() => windowStarts(trace, 1, { beforeMinutes: 1440, lengthMinutes: 99_999, hour: 0 })).toThrow(TraceError);
  });
});

describe("up times", () => {
  test("are read; a session that ends before it starts is refused", () => {
    expect(parseAvailability("node,start_minute,end_minute\na,0,60\n")).toEqual([
      { node: "a", startMinute: 0, endMinute: 60 },
    ]);
    expect(() => parseAvailability("a,60,0")).toThrow(/line 1/);
    expect(() => parseAvailability("a,x,0")).toThrow(TraceError);
  });
});
