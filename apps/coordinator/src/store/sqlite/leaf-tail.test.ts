import fc from "fast-check";
import { expect, test } from "vitest";
import type { LoggedLeaf } from "../tree.ts";
import { LeafTail, bodyText } from "./leaf-tail.ts";

const MEBI = 1024 * 1024;

function leafOf(poolId: string, seq: number, body = `${seq}`): LoggedLeaf {
  return { poolId, seq, atMs: 1, kind: "permit", body };
}

test("what it has is what was written, in order and without a gap, and it never has anything else", () => {
  const pool = fc.constantFrom("a", "b");
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("written" as const), pool }) },
    // Written, but nobody knew: the next does not follow on what is here.
    fc.record({ kind: fc.constant("missed" as const), pool }),
    fc.record({ kind: fc.constant("placed" as const), pool, seq: fc.nat({ max: 20 }) }),
    fc.record({ kind: fc.constant("lost" as const), pool }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const tail = new LeafTail();
      const lastSeqs: Record<string, number> = { a: 0, b: 0 };
      for (const { kind, pool: poolId, ...rest } of steps) {
        const seq = (lastSeqs[poolId] ?? 0) + 1;
        if (kind === "written" || kind === "missed") lastSeqs[poolId] = seq;
        if (kind === "written") tail.add(leafOf(poolId, seq));
        if (kind === "lost") tail.clear();
        if (kind === "placed" && "seq" in rest) tail.forget(poolId, rest.seq);
        for (let after = 0; after <= 20; after += 1) {
          const found = tail.after(poolId, after, 3);
          if (found === undefined) continue;
          expect(found).toEqual(found.map((_, n) => leafOf(poolId, after + 1 + n)));
          expect([found.length > 0, found.length <= 3, after + found.length <= (lastSeqs[poolId] ?? 0)]).toEqual([
            true,
            true,
            true,
          ]);
        }
        if (kind === "written") expect(tail.after(poolId, seq - 1, 1)).toEqual([leafOf(poolId, seq)]);
        if (kind === "placed" && "seq" in rest && rest.seq > 0) {
          expect(tail.after(poolId, rest.seq - 1, 1)).toBeUndefined();
        }
      }
    }),
  );
});

test("it has an end: what is too much is let go, and what comes then is kept", () => {
  const tail = new LeafTail();
  const large = "x".repeat(MEBI);
  for (let seq = 1; seq <= 100; seq += 1) tail.add(leafOf("a", seq, large));
  const kept = Array.from({ length: 100 }, (_, n) => tail.after("a", n, 1)).filter((found) => found !== undefined);
  expect(kept.length).toBeGreaterThan(0);
  expect(kept.length).toBeLessThanOrEqual(32);
  tail.forget("a", 100);
  tail.add(leafOf("a", 101, "x".repeat(33 * MEBI)));
  expect(tail.after("a", 100, 1)).toBeUndefined();
  for (let seq = 102; seq <= 131; seq += 1) tail.add(leafOf("a", seq, large));
  expect(tail.after("a", 101, 100)).toHaveLength(30);
});

test("a body without a form is written as it always was", () => {
  expect(bodyText({ b: 1, a: [2] })).toEqual({ text: '{"a":[2],"b":1}', isCanonical: true });
  expect(bodyText({ b: 1, a: Number.NaN })).toEqual({ text: '{"b":1,"a":null}', isCanonical: false });
});
