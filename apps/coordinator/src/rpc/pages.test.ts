import { toBinary } from "@bufbuild/protobuf";
import { NodeSchema } from "@moult/contracts/v1";
import { expect, test } from "vitest";
import { Fields } from "../wire/fields.ts";
import { MESSAGE_BUDGET_BYTES } from "./message-size.ts";
import { page } from "./pages.ts";

interface Item {
  readonly id: string;
  readonly bytes: number;
}

const OF = {
  schema: NodeSchema,
  keyOf: (item: Item): string => item.id,
  write: (item: Item): { name: string; model: string } => ({ name: item.id, model: "m".repeat(item.bytes) }),
};

/** All pages of a list. */
function walk(items: readonly Item[], pageSize: number): readonly (readonly string[])[] {
  const pages: (readonly string[])[] = [];
  let pageToken = "";
  do {
    const { messages, nextPageToken } = page(new Fields(), items, OF, { pageSize, pageToken });
    const bytes = messages.reduce((sum, message) => sum + toBinary(NodeSchema, message).length, 0);
    expect(messages.length === 1 || bytes <= MESSAGE_BUDGET_BYTES).toBe(true);
    pages.push(messages.map((message) => message.name));
    pageToken = nextPageToken;
  } while (pageToken !== "");
  return pages;
}

test("pages hold what was asked for, and the last one has no token", () => {
  const items = ["a", "b", "c", "d", "e"].map((id) => ({ id, bytes: 1 }));
  expect(walk(items, 2)).toEqual([["a", "b"], ["c", "d"], ["e"]]);
  expect(walk(items, 5)).toEqual([["a", "b", "c", "d", "e"]]);
  expect(walk(items, 0)).toEqual([["a", "b", "c", "d", "e"]]);
  expect(walk([], 2)).toEqual([[]]);
});

test("a page ends early where its items would not fit one message, and nothing is left out", () => {
  const half = MESSAGE_BUDGET_BYTES / 2 - 100;
  const sizes = { a: 10, b: half, c: half, d: half, e: MESSAGE_BUDGET_BYTES * 1.1, f: 10 };
  const items = Object.entries(sizes).map(([id, bytes]) => ({ id, bytes }));
  expect(walk(items, 100)).toEqual([["a", "b", "c"], ["d"], ["e"], ["f"]]);
});

test("a token that was not given out is refused", () => {
  expect(() => page(new Fields(), [], OF, { pageSize: 1, pageToken: "bm90aGluZw" })).toThrow("page_token");
});
