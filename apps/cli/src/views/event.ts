/** Events for people. */
import type { Event } from "@moult/contracts/v1";
import { eventKindWord } from "../arguments/event-kinds.ts";
import type { Style } from "../output/style.ts";
import { type Cell, renderTable } from "../output/table.ts";
import { formatNumber, printable } from "../output/text.ts";
import { relative } from "./time.ts";

/** One line an event. */
export function eventTable(events: readonly Event[], style: Style, nowMs: number): string {
  const rows = events.map((event): readonly Cell[] => [
    relative(event.lastTime, nowMs),
    eventKindWord(event.kind),
    printable(event.subject),
    formatNumber(event.count),
    printable(event.message),
  ]);
  return renderTable({ head: ["SEEN", "KIND", "ABOUT", "TIMES", "WHAT"], rows }, style, "Nothing looked wrong.");
}

/** One line, for a stream of them. */
export function eventLine({ kind, subject, count, message }: Event): string {
  const times = count > 1 ? ` (${formatNumber(count)} times)` : "";
  return `${eventKindWord(kind)} ${printable(subject)}: ${printable(message)}${times}`;
}
