/** The pages of figures are what the rows that are kept make. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pages } from "./pages.ts";

const DOCS = join(import.meta.dirname, "../../../docs");

test.each(pages().map(({ name, text }) => [name, text] as const))(
  "docs/%s is what `pnpm bench:pages` makes of docs/figures",
  (name, text) => {
    expect(readFileSync(join(DOCS, name), "utf8")).toBe(text);
  },
);
