/** The heap of the largest compared with a plain search. */
import { test } from "vitest";
import * as fc from "fast-check";
import { Largest } from "./largest.ts";

interface Item {
  serves: boolean;
  capacityMilli: number;
  rankedMilli: number | undefined;
}

test("the largest that serves is the largest of a plain search, one left out or not", () => {
  const step = fc.record({ item: fc.nat(5), capacity: fc.nat(9), serves: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const items: Item[] = Array.from({ length: 6 }, () => ({
        serves: false,
        capacityMilli: 0,
        rankedMilli: undefined,
      }));
      const largest = new Largest<Item>((item, milli) => item.serves && item.capacityMilli === milli);
      const plain = (without?: Item): number =>
        Math.max(0, ...items.filter((item) => item.serves && item !== without).map((item) => item.capacityMilli));
      for (const { item: index, capacity, serves } of steps) {
        const item = items[index] as Item;
        Object.assign(item, { capacityMilli: capacity, serves });
        if (serves) largest.add(item, capacity);
        if (largest.topWithout(item) !== plain(item) || largest.top() !== plain()) return false;
      }
      return true;
    }),
  );
});
