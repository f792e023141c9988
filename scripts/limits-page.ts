/**
 * The page of the coordinator's limits, docs/limits.md. What a limit is for stands here; its value is read from the constant
 * in the source, and from the configuration's schema, so that the page cannot say another number than the code. A test fails
 * where the source has a bound that is named nowhere on the page.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { configJsonSchema } from "../apps/coordinator/src/config.ts";
import { LIMITS, type Limit } from "./limits.ts";

const ROOT = join(import.meta.dirname, "..");
/** Where bounds are looked for, and what their files are called on the page. */
const SOURCES = [
  { folder: join(ROOT, "apps", "coordinator", "src"), prefix: "" },
  { folder: join(ROOT, "packages", "contracts", "src", "http2"), prefix: "http2/" },
];

const HEAD = `# Limits of the coordinator

This page is made by \`pnpm generate\` from \`scripts/limits.ts\` and the source, where each value stands with its reason.

Everything that others can make grow has a bound, and something sensible happens at it. \`OVERLOADED\` and the like are reasons
in the error's details; a client tries those again after the time that the answer names.
`;

/** A constant of the source whose name says that it bounds something. */
const BOUND =
  /^(?:export )?const ([A-Z][A-Z0-9_]*(?:_MAX|_MAX_[A-Z]+|_KEPT|KEPT_MAX|_BUDGET_BYTES)|[A-Z]+S_A_MINUTE)(?:: number)? = ([^;]+);/gm;

/** A bound as the source has it. */
export interface Bound {
  /** Relative to the coordinator's \`src\`. */
  readonly file: string;
  readonly name: string;
  readonly value: number;
}

/** Every bound in the coordinator's source, and in that of the devices' server. */
export function boundsInSource(): readonly Bound[] {
  return SOURCES.flatMap(({ folder, prefix }) => {
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
      (file) => file.endsWith(".ts") && !/\.test\.ts$|(^|\/)(testing|bench)\//.test(file),
    );
    return files.sort().flatMap((file) =>
      [...readFileSync(join(folder, file), "utf8").matchAll(BOUND)].map(([, name = "", text = ""]) => ({
        file: `${prefix}${file}`,
        name,
        value: valueOf(text, `${file} ${name}`),
      })),
    );
  });
}

/** A product of whole numbers. */
function valueOf(text: string, where: string): number {
  const factors = text.split("*").map((factor) => Number(factor.trim().replaceAll("_", "").replace(/n$/, "")));
  if (factors.some((factor) => !Number.isFinite(factor)))
    throw new Error(`${where} is not a product of numbers: ${text}`);
  return factors.reduce((product, factor) => product * factor, 1);
}

interface Schema {
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** The default of a key of the configuration, as in \`grpc.connections_max\`. */
function configured(key: string): unknown {
  let schema: Schema | undefined = configJsonSchema();
  for (const part of key.split(".")) schema = schema?.properties?.[part];
  if (schema?.default === undefined) throw new Error(`the configuration has no default for ${key}`);
  return schema.default;
}

/** The page. */
export function limitsPage(): string {
  const bounds = new Map(boundsInSource().map((bound) => [`${bound.file} ${bound.name}`, bound.value]));
  const sections = Object.entries(LIMITS).map(([title, limits]) => {
    const rows = limits.map((limit) => `| ${limit.what} | ${shown(limit, bounds)} | ${limit.outcome} |`);
    return `## ${title}\n\n| what | limit | what happens at it |\n| --- | --- | --- |\n${rows.join("\n")}`;
  });
  return `${HEAD}\n${sections.join("\n\n")}\n`;
}

function shown({ at, unit }: Limit, bounds: ReadonlyMap<string, number>): string {
  const [first = "", name] = at.split(" ");
  const value = name === undefined ? configured(first) : bounds.get(at);
  if (typeof value !== "number") throw new Error(`limits.ts names ${at}, and the source has no such bound`);
  const text = unit === "bytes" ? bytes(value) : `${value.toLocaleString("en")}${unit === undefined ? "" : ` ${unit}`}`;
  return name === undefined ? `${text}; \`${first}\`` : text;
}

function bytes(value: number): string {
  for (const [unit, size] of [
    ["GiB", 1 << 30],
    ["MiB", 1 << 20],
    ["KiB", 1 << 10],
  ] as const) {
    if (value >= size && value % size === 0) return `${value / size} ${unit}`;
  }
  return `${value.toLocaleString("en")} bytes`;
}
