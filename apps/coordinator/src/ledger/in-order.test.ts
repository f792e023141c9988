import { POOL_DEFAULTS, admit, createLedger } from "@moult/policy";
import fc from "fast-check";
import { expect, test } from "vitest";
import { firstAfter } from "./in-order.ts";

const CONFIG = { pool: POOL_DEFAULTS, retry: { allowlistMs: 1, dialMs: 1, capacityMs: 1 } };

test("page after page it is the sorted list, of all pools or of one", async () => {
  const ids = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(ids, fc.integer({ min: 1, max: 7 }), fc.constantFrom("", "a"), async (nodeIds, size, poolId) => {
      const ledger = createLedger(CONFIG, 1);
      for (const [at, nodeId] of nodeIds.entries()) {
        const rest = { publicKey: "", model: "", labels: {}, domains: [], enrolledAtMs: 1 };
        admit(ledger, { nodeId, poolId: at % 2 === 0 ? "a" : "b", ...rest });
      }
      const wanted = nodeIds.filter((_, at) => poolId === "" || at % 2 === 0).toSorted((a, b) => (a < b ? -1 : 1));
      const listed: string[] = [];
      for (;;) {
        const page = await firstAfter(ledger, poolId, listed.at(-1) ?? "", size);
        const more = page.map(({ identity }) => identity.nodeId).slice(listed.length === 0 ? 0 : 1);
        if (more.length === 0) break;
        expect(more.length).toBeLessThanOrEqual(size);
        listed.push(...more);
      }
      expect(listed).toEqual(wanted);
    }),
  );
});
