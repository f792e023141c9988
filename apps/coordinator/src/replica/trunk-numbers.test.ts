import fc from "fast-check";
import { expect, test } from "vitest";
import { CALLERS_MAX, CallerNumbers, KnownCallers } from "./trunk-numbers.ts";

const MAX = 3;
const caller = fc.record({
  authorization: fc.constantFrom("", "Bearer a", "Bearer b", `Bearer ${"c".repeat(2_000)}`),
  peer: fc.constantFrom("192.0.2.1:1", "192.0.2.1:2", "198.51.100.7:1"),
  certificate: fc.constantFrom(undefined, Buffer.from([1]), Buffer.from([2])),
});

test("whatever comes in whatever order, the seat sees each call's own caller", () => {
  fc.assert(
    fc.property(fc.array(caller, { maxLength: 40 }), (callers) => {
      const edge = new CallerNumbers(MAX);
      const seat = new KnownCallers();
      for (const each of callers) {
        const said = edge.of(each);
        expect(said.callerNumber).toBeLessThanOrEqual(MAX);
        const seen = seat.of(said.callerNumber, said.caller);
        expect(seen?.metadata.get("authorization") ?? "").toBe(each.authorization);
        expect(seen?.peer).toBe(each.peer);
        expect(seen?.certificate).toEqual(each.certificate);
      }
    }),
  );
});

test("a caller is told once and is a number then, unless it shows nothing or takes too much", () => {
  const edge = new CallerNumbers();
  const device = { authorization: "Bearer a", peer: "192.0.2.1:1", certificate: undefined };
  expect(edge.of(device)).toEqual({ callerNumber: 1, caller: device });
  expect(edge.of({ ...device })).toEqual({ callerNumber: 1, caller: undefined });
  const anyone = { ...device, authorization: "" };
  const large = { ...device, authorization: "x".repeat(2_000) };
  for (const each of [anyone, large]) expect(edge.of(each)).toEqual({ callerNumber: 0, caller: each });
  // As many as the seat keeps, and then the oldest again.
  for (let n = 2; n <= CALLERS_MAX; n += 1) edge.of({ ...device, peer: `192.0.2.1:${n}` });
  expect(edge.of(device)).toEqual({ callerNumber: 1, caller: undefined });
  const next = { ...device, peer: "203.0.113.1:1" };
  expect(edge.of(next)).toEqual({ callerNumber: 1, caller: next });
  expect(edge.of(device)).toEqual({ callerNumber: 2, caller: device });
});
