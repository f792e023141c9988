import fc from "fast-check";
import { expect, test } from "vitest";
import { readRange } from "./range.ts";

const length = fc.integer({ min: 0, max: 50 });
const place = fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined });

test("a range gives the bytes that it names, as a list of bytes would", () => {
  fc.assert(
    fc.property(length, place, place, (bytes, first, last) => {
      const all = Array.from({ length: bytes }, (_, n) => n);
      const range = readRange(`bytes=${first ?? ""}-${last ?? ""}`, bytes);
      const nonsense = (first === undefined && last === undefined) || (last !== undefined && (first ?? 0) > last);
      if (nonsense) {
        expect(range).toBe("WHOLE");
        return;
      }
      const wanted =
        first === undefined
          ? all.slice(Math.max(0, bytes - (last ?? 0)))
          : all.filter((n) => n >= first && n <= (last ?? bytes));
      if (range === "UNSATISFIABLE") expect(wanted).toEqual([]);
      else if (range === "WHOLE") expect(wanted).toEqual(all);
      else expect(all.slice(range.start, range.end + 1)).toEqual(wanted);
    }),
  );
});

test("whatever stands in the header, what is sent lies within the part", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^bytes=\d{0,20}-\d{0,20}$/)), length, (header, bytes) => {
      const range = readRange(header, bytes);
      if (typeof range === "string") return;
      expect(range.start).toBeGreaterThanOrEqual(0);
      expect(range.start).toBeLessThanOrEqual(range.end);
      expect(range.end).toBeLessThan(bytes);
    }),
  );
});
