/** The arithmetic behind the sizes is what it says it is. */
import { expect, test } from "vitest";
import { ASSUMED, type Measured, fleetOf, perProcess } from "./sizing.ts";

const MEASURED: Measured = {
  askUs: 90,
  pulseUs: 30,
  freshUs: 900,
  streamKb: 32,
  nodeKb: 1,
  baseMb: 100,
  writtenBytesPerAsk: 500,
  millionStartS: 8,
};

test("a process carries what the tightest of calls, returns and streams lets it", () => {
  // 0.1 + 0.5 + 0.0208 µs a node and second, of 600,000.
  expect(perProcess(MEASURED)).toEqual({
    byCalls: 966_442,
    byReturns: 266_666,
    // 30,000 at 32 KiB, the rest at 48.
    byStreams: 97_381,
    nodes: 97_381,
    bound: "streams",
  });
  expect(perProcess({ ...MEASURED, freshUs: 9_000 })).toMatchObject({ nodes: 26_666, bound: "returns" });
  expect(perProcess({ ...MEASURED, pulseUs: 3_000 })).toMatchObject({ bound: "calls" });
});

test("a fleet is cut into cells, and each has one process to spare", () => {
  expect(fleetOf(1_000_000, MEASURED)).toMatchObject({ cells: 1, replicasPerCell: 12 });
  expect(fleetOf(10_000_000, MEASURED)).toMatchObject({ cells: 10, replicasPerCell: 12 });
  expect(fleetOf(1_000_001, MEASURED).cells).toBe(2);
  const { asksPerS, pulsesPerS, writtenMbPerS } = fleetOf(900_000, MEASURED, ASSUMED);
  expect([asksPerS, pulsesPerS, writtenMbPerS]).toEqual([1_000, 15_000, 0.5]);
});
