/** `pnpm bench:pages`: makes docs/performance.md and docs/sizing.md of the rows that are kept in docs/figures. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { pages } from "./pages.ts";

const HELP = `Makes docs/performance.md and docs/sizing.md of the rows in docs/figures/coordinator.jsonl.

Usage: pnpm bench:pages

To measure anew: pnpm bench --json >> docs/figures/coordinator.jsonl, after taking out the rows that it replaces.

Exit codes: 0 written, 1 the rows cannot be read.

Example: pnpm bench:pages
`;

const { values } = parseArgs({ options: { help: { type: "boolean", default: false } } });
if (values.help) process.stdout.write(HELP);
else {
  for (const { name, text } of pages()) {
    writeFileSync(join(import.meta.dirname, "../../../docs", name), text);
    process.stdout.write(`docs/${name}\n`);
  }
}
