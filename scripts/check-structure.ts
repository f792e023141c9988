/**
 * Checks the house's plan: which folder may import which, that no file is part of an import cycle, that wire messages
 * stop at `wire/` and `rpc/`, and that only `main.ts` and what starts a process touch the world in packages/policy's
 * place. Prints each violation with the line to change.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const ROOT = join(import.meta.dirname, "..");

/** What each house may import of the others, beside itself. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  "packages/contracts": [],
  "packages/policy": [],
  "packages/trust": [],
  "packages/slots": [],
  "packages/delta": [],
  "packages/simulation": ["packages/policy", "packages/slots"],
  "apps/coordinator": ["packages/contracts", "packages/delta", "packages/policy", "packages/trust"],
  "apps/agent": ["packages/contracts", "packages/delta", "packages/slots", "packages/trust"],
  "apps/cli": ["packages/contracts", "packages/delta", "packages/policy", "packages/simulation", "packages/trust"],
};
const EVERYTHING = Object.keys(ALLOWED);
const HOUSES: Readonly<Record<string, readonly string[]>> = { ...ALLOWED, test: EVERYTHING, scripts: EVERYTHING };

/** Modules that the pure core may not touch. A hash is a function of its input, so `node:crypto` is only half closed. */
const IMPURE = /^node:(fs|net|http|https|http2|dgram|child_process|timers|worker_threads|os|process|tls|sqlite)/;
const PURE = [/^packages\/policy\//, /^apps\/agent\/src\/update\//];

interface Import {
  readonly file: string;
  readonly line: number;
  readonly specifier: string;
  readonly typeOnly: boolean;
}

function sources(): readonly string[] {
  return Object.keys(HOUSES).flatMap((house) => {
    const folder = join(ROOT, house);
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter(
        (name) => name.endsWith(".ts") && !name.endsWith(".d.ts") && !/(^|\/)(node_modules|gen|dist)\//.test(name),
      )
      .map((name) => join(house, name));
  });
}

function importsOf(file: string): readonly Import[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  const pattern =
    /^\s*(?:import|export)\s+(type\s)?[^;'"]*?from\s+["']([^"']+)["']|^\s*import\s+["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm;
  return [...text.matchAll(pattern)].map((match) => ({
    file,
    line: text.slice(0, match.index).split("\n").length,
    specifier: match[2] ?? match[3] ?? match[4] ?? "",
    typeOnly: match[1] !== undefined,
  }));
}

function houseOf(path: string): string | undefined {
  return Object.keys(HOUSES).find((house) => path === house || path.startsWith(`${house}/`));
}

/** The file or house an import leads to; undefined for a library. */
function targetOf({ file, specifier }: Import): string | undefined {
  if (specifier.startsWith(".")) return relative(ROOT, resolve(ROOT, dirname(file), specifier));
  const name = /^@moult\/([a-z]+)/.exec(specifier)?.[1];
  return name === undefined ? undefined : Object.keys(ALLOWED).find((house) => house.endsWith(`/${name}`));
}

const violations: string[] = [];
const report = (at: Import, why: string): void => {
  violations.push(`${at.file}:${at.line}: imports ${at.specifier}: ${why}`);
};

const graph = new Map<string, readonly string[]>();
for (const file of sources()) {
  const imports = importsOf(file);
  const house = houseOf(file) ?? "";
  graph.set(
    file,
    imports.flatMap((at) => targetOf(at) ?? []).filter((target) => target.endsWith(".ts")),
  );
  for (const at of imports) {
    const target = targetOf(at);
    const there = target === undefined ? undefined : houseOf(target);
    if (there !== undefined && there !== house && !(HOUSES[house] ?? []).includes(there)) {
      report(at, `${house} may import ${(HOUSES[house] ?? []).join(", ") || "no other house"}`);
    }
    if (there === "test" && house !== "test") report(at, "nothing imports test");
    const isTest = file.endsWith(".test.ts");
    if (!isTest && PURE.some((pattern) => pattern.test(file)) && IMPURE.test(at.specifier)) {
      report(at, "the pure core touches no clock, disk, network or process");
    }
    if (/^apps\/coordinator\/src\/(ledger|store)\//.test(file) && at.specifier.startsWith("@moult/contracts")) {
      report(at, "wire messages stop at wire/ and rpc/");
    }
  }
}

/** Depth-first: a file met again while it is still on the path closes a cycle. */
const state = new Map<string, "open" | "done">();
function visit(file: string, path: readonly string[]): void {
  if (state.get(file) === "done") return;
  if (state.get(file) === "open") {
    violations.push(`import cycle: ${[...path.slice(path.indexOf(file)), file].join(" → ")}`);
    return;
  }
  state.set(file, "open");
  for (const next of graph.get(file) ?? []) if (graph.has(next)) visit(next, [...path, file]);
  state.set(file, "done");
}
for (const file of graph.keys()) visit(file, []);

if (violations.length > 0) {
  process.stderr.write(`${violations.join("\n")}\n`);
  process.exitCode = 1;
} else {
  process.stdout.write(`structure holds: ${graph.size} files\n`);
}
