/**
 * Generates packages/contracts/gen from the .proto files, and docs/device.schema.json. With --check it generates into a temporary folder, compares,
 * and fails where the committed code is stale.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { publishedSchema } from "../apps/agent/src/config/published-schema.ts";

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

const SCHEMA = "docs/device.schema.json";

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
    if (readFileSync(join(ROOT, SCHEMA), "utf8") !== schemaText()) stale.push(SCHEMA);
    if (stale.length > 0) {
      process.stderr.write(`stale generated code; run \`pnpm generate\` and commit:\n  ${stale.join("\n  ")}\n`);
      process.exitCode = 1;
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
} else {
  generate(join(ROOT, "buf.gen.yaml"));
  writeFileSync(join(ROOT, SCHEMA), schemaText());
}
