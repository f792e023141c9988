/** Names of things. Where the contract wants `nodes/n1`, people may write `n1` too. */
import { type Collection, formatName, parseName } from "@moult/contracts";
import { usageError } from "../errors.ts";

const SINGULAR: Readonly<Record<Collection, string>> = {
  nodes: "node",
  pools: "pool",
  releases: "release",
  overrides: "override",
  enrollmentTokens: "enrolment token",
  events: "event",
};

/** The full name for an id or a full name. */
export function fullName(collection: Collection, text: string): string {
  const name = text.startsWith(`${collection}/`) ? text : formatName(collection, text);
  if (parseName(collection, name) !== undefined) return name;
  throw usageError(
    `"${text}" is not the name of a ${SINGULAR[collection]}.`,
    `Write it as in ${collection}/ID or ID: 1 to 128 letters, digits and ._+-, first a letter or a digit.`,
  );
}

/** The id in a name, for tables; the name itself where it has another form. */
export function idOf(name: string): string {
  return name.slice(name.indexOf("/") + 1);
}
