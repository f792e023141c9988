/** Enrolment tokens for people. */
import type { EnrollmentToken } from "@moult/contracts/v1";
import { idOf } from "../arguments/names.ts";
import type { Style } from "../output/style.ts";
import { type Cell, renderTable } from "../output/table.ts";
import { formatNumber, printable } from "../output/text.ts";
import { relative } from "./time.ts";

/** One line a token. */
export function tokenTable(tokens: readonly EnrollmentToken[], style: Style, nowMs: number): string {
  const rows = tokens.map((token): readonly Cell[] => {
    const labels = Object.entries(token.labels).map(([key, value]) => `${key}=${value}`);
    return [
      printable(idOf(token.name)),
      printable(idOf(token.pool)),
      formatNumber(token.usesLeft),
      relative(token.expireTime, nowMs),
      labels.length === 0 ? "-" : printable(labels.join(" ")),
    ];
  });
  const head = ["ID", "POOL", "USES LEFT", "ENDS", "LABELS"];
  return renderTable({ head, rows }, style, "No tokens. Make one: moult token create");
}
