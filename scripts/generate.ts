/**
 * Generates packages/contracts/gen from the .proto files, and the pages of docs/ that are made from code. With --check it
 * generates into a temporary folder, compares, and fails where what is committed is stale.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { publishedSchema } from "../apps/agent/src/config/published-schema.ts";
import { limitsPage } from "./limits-page.ts";
import { metricsPage } from "./metrics-page.ts";
import { updateMachinePage } from "./update-machine-page.ts";

const ROOT = join(import.meta.dirname, "..");
const GEN = "packages/contracts/gen";

function generate(template: string): void {
  const path = `${join(ROOT, "node_modules/.bin")}:${process.env["PATH"] ?? ""}`;
  execFileSync("buf", ["generate", "--template", template], {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, PATH: path },
  });
}

/** What is made from code without `buf`, by file. */
const PAGES: Readonly<Record<string, () => string>> = {
  "docs/device.schema.json": schemaText,
  "docs/limits.md": limitsPage,
  "docs/metrics.md": metricsPage,
  "docs/update-machine.md": updateMachinePage,
};

function schemaText(): string {
  const source = readFileSync(join(ROOT, "apps/agent/src/config/schema.ts"), "utf8");
  return `${JSON.stringify(publishedSchema(source), undefined, 2)}\n`;
}

function files(folder: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    found.set(relative(folder, path), readFileSync(path, "utf8"));
  }
  return found;
}

if (process.argv.includes("--check")) {
  const temporary = mkdtempSync(join(tmpdir(), "moult-generate-"));
  try {
    const template = readFileSync(join(ROOT, "buf.gen.yaml"), "utf8").replace(`out: ${GEN}`, `out: ${temporary}/gen`);
    writeFileSync(join(temporary, "buf.gen.yaml"), template);
    generate(join(temporary, "buf.gen.yaml"));
    const fresh = files(join(temporary, "gen"));
    const committed = files(join(ROOT, GEN));
    const stale = [...new Set([...fresh.keys(), ...committed.keys()])].filter(
      (name) => fresh.get(name) !== committed.get(name),
    );
    for (const [page, text] of Object.entries(PAGES)) {
      if (!existsSync(join(ROOT, page)) || readFileSync(join(ROOT, page), "utf8") !== text()) stale.push(page);
    }
    if (stale.length > 0) {
      process.stderr.write(`stale generated code; run \`pnpm generate\` and commit:\n  ${stale.join("\n  ")}\n`);
      process.exitCode = 1;
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
} else {
  generate(join(ROOT, "buf.gen.yaml"));
  for (const [page, text] of Object.entries(PAGES)) writeFileSync(join(ROOT, page), text());
}
