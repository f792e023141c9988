/** The builds that are compared: two real bundles of the agent, and two runtimes. */
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Bundles, bundleAgent } from "../../../apps/agent/src/deploy/bundle.ts";

const AGENT = join(import.meta.dirname, "..", "..", "..", "apps", "agent");

/** A new module as a small release brings one: some forty lines that are called from the agent's start. */
const NEW_MODULE = `/** How long a device was away, in words. */
const UNITS = [["day", 86_400_000], ["hour", 3_600_000], ["minute", 60_000], ["second", 1_000]] as const;

export function inWords(lastedMs: number): string {
  const said: string[] = [];
  let restMs = Math.max(0, Math.round(lastedMs));
  for (const [unit, unitMs] of UNITS) {
    const count = Math.floor(restMs / unitMs);
    restMs -= count * unitMs;
    if (count > 0) said.push(\`\${count} \${unit}\${count === 1 ? "" : "s"}\`);
    if (said.length === 2) break;
  }
  return said.length === 0 ? "less than a second" : said.join(" and ");
}

export function absenceOf(fromMs: number, toMs: number, reason: string): Readonly<Record<string, unknown>> {
  if (toMs < fromMs) return { absence: "none", reason, toMs, fromMs };
  return { absence: inWords(toMs - fromMs), reason, long: toMs - fromMs > 3_600_000, fromMs, toMs };
}
`;

/** The agent as it is, at version 1.0.0. */
export async function bundleBefore(outDir: string): Promise<Bundles> {
  mkdirSync(outDir, { recursive: true });
  return bundleAgent({ outDir, version: "1.0.0" });
}

/**
 * The agent at version 1.1.0 with a change of a small release: a new module that its start calls, and every tenth
 * constant of milliseconds another one. Bundled from a changed copy of the sources beside them, so that libraries resolve.
 */
export async function bundleAfter(outDir: string): Promise<Bundles> {
  mkdirSync(outDir, { recursive: true });
  // As deep as the sources are, so that what is found from them is found from here.
  const copy = join(AGENT, `.bench-${process.pid}`);
  try {
    cpSync(join(AGENT, "src"), copy, { recursive: true });
    let seen = 0;
    for (const name of readdirSync(copy, { recursive: true, encoding: "utf8" })) {
      if (!name.endsWith(".ts") || name.endsWith(".test.ts")) continue;
      const text = readFileSync(join(copy, name), "utf8");
      const changed = text.replaceAll(/(const [A-Z_]+_MS = )([0-9_]+);/g, (whole, head: string) =>
        (seen += 1) % 10 === 0 ? `${head}1_234;` : whole,
      );
      if (changed !== text) writeFileSync(join(copy, name), changed);
    }
    writeFileSync(join(copy, "absence.ts"), NEW_MODULE);
    const main = join(copy, "main.ts");
    const text = readFileSync(main, "utf8");
    writeFileSync(
      main,
      `import { absenceOf } from "./absence.ts";\n${text}\nlog.debug(absenceOf(0, Date.now(), "start"), "away");\n`,
    );
    const { bundleAgent: bundleCopy } = (await import(
      pathToFileURL(join(copy, "deploy", "bundle.ts")).href
    )) as typeof import("../../../apps/agent/src/deploy/bundle.ts");
    return await bundleCopy({ outDir, version: "1.1.0" });
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** This runtime with 1 MiB inserted after a third of it and 4,000 places of eight bytes changed. */
export function derivedRuntime(): Uint8Array {
  const bytes = readFileSync(process.execPath);
  const third = Math.floor(bytes.length / 3);
  let state = 1;
  const next = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0);
  const inserted = Buffer.alloc(1_048_576);
  for (let at = 0; at < inserted.length; at += 4) inserted.writeUInt32LE(next(), at);
  const made = Buffer.concat([bytes.subarray(0, third), inserted, bytes.subarray(third)]);
  for (let count = 0; count < 4_000; count += 1) {
    const at = next() % (made.length - 8);
    made.writeUInt32LE(next(), at);
    made.writeUInt32LE(next(), at + 4);
  }
  return made;
}
