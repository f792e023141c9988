/** Tables: columns as wide as their widest cell, two spaces between them, no lines. */
import type { Style, Tone } from "./style.ts";

/** A cell; painted after it was measured. */
export type Cell = string | { readonly text: string; readonly tone: Tone };

/** Rows under heads. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** The table's text, with a line break at the end. `none` is said where there are no rows. */
export function renderTable(table: Table, style: Style, none: string): string {
  if (table.rows.length === 0) return `${none}\n`;
  const head = table.head.map((text): Cell => ({ text, tone: "strong" }));
  return renderRows([head, ...table.rows], style);
}

/** Names and values beneath each other. */
export function renderPairs(pairs: readonly (readonly [string, Cell])[], style: Style): string {
  return renderRows(
    pairs.map(([name, value]) => [{ text: name, tone: "faint" }, value]),
    style,
  );
}

const SEGMENTER = new Intl.Segmenter();

function renderRows(rows: readonly (readonly Cell[])[], style: Style): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, widthOf(textOf(cell)));
    }
  }
  const lines = rows.map((row) =>
    row
      .map((cell, column) => {
        const text = textOf(cell);
        const last = column === row.length - 1;
        const space = last ? "" : " ".repeat((widths[column] ?? 0) - widthOf(text) + 2);
        return style(text, typeof cell === "string" ? "plain" : cell.tone) + space;
      })
      .join("")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

function textOf(cell: Cell): string {
  return typeof cell === "string" ? cell : cell.text;
}

/** Characters as people count them. */
function widthOf(text: string): number {
  return [...SEGMENTER.segment(text)].length;
}
