/** Rows that `pnpm bench --json` printed, as they are kept in `docs/figures`, and how a page asks for one. */
import { readFileSync } from "node:fs";

/** One row. Which figures it has depends on its case; see `pnpm bench --help`. */
export interface Row {
  readonly case: string;
  readonly engine: string;
  readonly replicas: number;
  readonly nodes: number;
  readonly [figure: string]: string | number | undefined;
}

/** Which rows are meant. */
export interface Which {
  readonly case?: string;
  readonly engine?: string;
  readonly replicas?: number;
  readonly nodes?: number;
  readonly inFlight?: number;
}

/** All rows of a file, one JSON object a line. Throws where a line is none. */
export function readRows(path: string): readonly Row[] {
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  return lines.map((line, n) => {
    const row = JSON.parse(line) as Partial<Row>;
    if (typeof row.case !== "string" || typeof row.engine !== "string" || typeof row.nodes !== "number") {
      throw new TypeError(`${path}:${n + 1} is not a row of the bench: ${line}`);
    }
    return row as Row;
  });
}

/** The rows that fit, in the order in which they were measured. */
function rowsOf(rows: readonly Row[], which: Which): readonly Row[] {
  const wanted = Object.entries(which);
  return rows.filter((row) => wanted.every(([name, value]) => row[name] === value));
}

/** The middle one of a figure over the rows that fit; undefined where nobody measured it. */
export function figure(rows: readonly Row[], which: Which, name: string): number | undefined {
  const values = rowsOf(rows, which)
    .flatMap((row) => (typeof row[name] === "number" ? [row[name]] : []))
    .toSorted((a, b) => a - b);
  const middle = values.length >> 1;
  const upper = values[middle];
  const lower = values.length % 2 === 0 ? values[middle - 1] : upper;
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2;
}

/** A markdown table, its columns as wide as their widest cell. Figures stand to the right. */
export function table(head: readonly string[], body: readonly (readonly string[])[]): string {
  const widths = head.map((title, n) => Math.max(3, title.length, ...body.map((cells) => cells[n]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0))).join(" | ")} |`;
  const rule = widths.map((width, n) => (n === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(head), `| ${rule.join(" | ")} |`, ...body.map(line)].join("\n");
}

/** 1234567 as `1,234,567`; a dash for what was not measured. */
export function shown(value: number | undefined, digits = 0): string {
  if (value === undefined) return "–";
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
