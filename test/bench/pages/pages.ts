/** The pages of figures, made of the rows that are kept. */
import { join } from "node:path";
import { performancePage } from "./performance-page.ts";
import { readRows } from "./rows.ts";
import { sizingPage } from "./sizing-page.ts";

const ROWS = join(import.meta.dirname, "../../../docs/figures/coordinator.jsonl");

/** Each page's name in `docs`, and what it says. */
export function pages(): readonly { readonly name: string; readonly text: string }[] {
  const rows = readRows(ROWS);
  return [
    { name: "performance.md", text: performancePage(rows) },
    { name: "sizing.md", text: sizingPage(rows) },
  ];
}
