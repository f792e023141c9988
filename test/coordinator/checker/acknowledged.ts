/** Words that somebody was given an answer to, and whether the log has them. Pure. */
import type { Entry, Fault } from "./entry.ts";

/** A word that was acknowledged. Ids as the log has them, without `nodes/` and the like. */
export type Acknowledged =
  | { readonly kind: "granted" | "departed" | "returned" | "ended"; readonly nodeId: string; readonly permitId: string }
  | { readonly kind: "override"; readonly overrideId: string };

const PHASES = { granted: "DRAINING", departed: "AWAY", returned: "RETURNED" } as const;

/** The acknowledged words that are not in the log. */
export function lostOf(entries: readonly Entry[], words: readonly Acknowledged[]): readonly Fault[] {
  const known = new Set(entries.map(lineOf));
  return words
    .map(wordLine)
    .filter((line) => !known.has(line))
    .map((line) => ({ rule: "lost", text: `acknowledged and not in the log: ${line}` }));
}

function wordLine(word: Acknowledged): string {
  if (word.kind === "override") return `override ${word.overrideId}`;
  const { kind, nodeId, permitId } = word;
  return kind === "ended" ? `ended ${nodeId} ${permitId}` : `${PHASES[kind]} ${nodeId} ${permitId}`;
}

function lineOf({ kind, body }: Entry): string {
  const { nodeId, permitId, phase, overrideId } = body as Readonly<Record<string, string | undefined>>;
  if (kind === "permit") return `${phase} ${nodeId} ${permitId}`;
  if (kind === "permit-ended") return `ended ${nodeId} ${permitId}`;
  return kind === "override" ? `override ${overrideId}` : "";
}
