/** Lines made of coloured pieces, cut to the width of the terminal. Pure: text in, text out. */

/** How a piece looks. */
export type Style = "plain" | "bold" | "dim" | "green" | "yellow" | "red" | "cyan";

/** A piece of a line. */
export interface Piece {
  readonly text: string;
  readonly style: Style;
}

/** Select Graphic Rendition codes of ECMA-48. */
const CODES: Readonly<Record<Style, string>> = {
  plain: "",
  bold: "1",
  dim: "2",
  green: "32",
  yellow: "33",
  red: "31",
  cyan: "36",
};

/** A piece; plain where no style is given. */
export function piece(text: string, style: Style = "plain"): Piece {
  return { text, style };
}

/** One line of at most `columns` characters, each of which is one cell wide. Without `colour` it is the bare text. */
export function paintLine(pieces: readonly Piece[], columns: number, colour: boolean): string {
  let left = columns;
  let line = "";
  for (const { text, style } of pieces) {
    const cut = text.slice(0, left);
    left -= cut.length;
    const code = CODES[style];
    line += colour && code !== "" && cut !== "" ? `\u001b[${code}m${cut}\u001b[0m` : cut;
  }
  return line;
}

/** A bar of `width` characters of which `ratio` (0 to 1) is filled. */
export function bar(ratio: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, ratio)) * width);
  return "█".repeat(filled) + "░".repeat(width - filled);
}
