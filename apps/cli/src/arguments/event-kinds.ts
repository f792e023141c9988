/** Kinds of events as people write them: `ask-storm` for the contract's ASK_STORM. */
import { EventKind } from "@moult/contracts/v1";
import { usageError } from "../errors.ts";

const KINDS: ReadonlyMap<string, EventKind> = new Map(
  Object.entries(EventKind)
    .filter((entry): entry is [string, EventKind] => typeof entry[1] === "number" && entry[1] !== EventKind.UNSPECIFIED)
    .map(([name, kind]) => [written(name), kind]),
);

/** The kinds. Throws CliError USAGE. */
export function parseEventKinds(words: readonly string[]): EventKind[] {
  return words.map((word) => {
    const kind = KINDS.get(word);
    if (kind !== undefined) return kind;
    throw usageError(`"${word}" is no kind of event.`, `There are: ${[...KINDS.keys()].join(", ")}`);
  });
}

/** A kind as people write it; one of a newer coordinator by its number. */
export function eventKindWord(kind: EventKind): string {
  const name = EventKind[kind];
  return name === undefined ? `kind ${String(kind)}` : written(name);
}

function written(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}
