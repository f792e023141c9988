/**
 * Label selectors: requirements with commas between them, each `key=value` or `key in (one|two)`. A node matches when it
 * meets all of them.
 */
import { usageError } from "../errors.ts";

/** One label and the values that fit. */
export interface Requirement {
  readonly key: string;
  readonly values: readonly string[];
}

/** Between requirements, not between the values in parentheses. */
const COMMA = /,(?![^(]*\))/;
const EQUALS = /^([\w.-]{1,63})\s*=\s*([\w.-]{1,63})$/;
const IN = /^([\w.-]{1,63})\s+in\s+\(([^()]+)\)$/;
const VALUE = /^[\w.-]{1,63}$/;

/** The requirements of a selector; at least one. */
export function parseSelector(text: string): readonly Requirement[] {
  return text.split(COMMA).map((piece) => parseRequirement(piece.trim(), text));
}

function parseRequirement(piece: string, whole: string): Requirement {
  const [, key, value] = EQUALS.exec(piece) ?? [];
  if (key !== undefined && value !== undefined) return { key, values: [value] };
  const [, inKey, list] = IN.exec(piece) ?? [];
  const values = (list ?? "").split(/[|,]/).map((item) => item.trim());
  if (inKey !== undefined && values.every((item) => VALUE.test(item))) return { key: inKey, values };
  throw usageError(
    `"${whole}" is not a selector.`,
    "Write it as in: region=eu,model in (m1|m2)",
    "Keys and values are 1 to 63 letters, digits and ._-",
  );
}

/** A selector as it is written. */
export function formatSelector(requirements: readonly Requirement[]): string {
  return requirements
    .map(({ key, values }) => (values.length === 1 ? `${key}=${values[0]}` : `${key} in (${values.join("|")})`))
    .join(",");
}
