import fc from "fast-check";
import { expect, test } from "vitest";
import { MESSAGE_BUDGET_BYTES, inMessages } from "./message-size.ts";

test("groups keep the order, lose nothing and fit the budget unless one item alone does not", () => {
  const bytes = fc.array(fc.integer({ min: 0, max: MESSAGE_BUDGET_BYTES + 1000 }), { maxLength: 30 });
  fc.assert(
    fc.property(bytes, (items) => {
      const groups = [...inMessages(items, (item) => item)];
      expect(groups.flat()).toEqual(items);
      for (const group of groups) {
        const sum = group.reduce((a, b) => a + b, 0);
        expect(group.length === 1 || sum <= MESSAGE_BUDGET_BYTES).toBe(true);
      }
    }),
  );
});
