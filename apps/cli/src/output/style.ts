/** Colour, only where a person looks and wants it. */
import { styleText } from "node:util";
import type { Ports, Sink } from "../ports.ts";

/** What a piece of text means; not how it looks. */
export type Tone = "plain" | "strong" | "faint" | "good" | "bad" | "warning";

/** Paints text, or leaves it as it is. */
export type Style = (text: string, tone: Tone) => string;

const LOOKS = { strong: "bold", faint: "dim", good: "green", bad: "red", warning: "yellow" } as const;

/** The style for a sink: none where it is no terminal, or NO_COLOR is set and not empty, or the terminal is dumb. */
export function styleFor(sink: Sink, env: Ports["env"]): Style {
  const plain = !sink.isTTY || (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb";
  if (plain) return (text) => text;
  return (text, tone) => (tone === "plain" ? text : styleText(LOOKS[tone], text, { validateStream: false }));
}
