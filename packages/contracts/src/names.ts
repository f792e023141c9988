/** Resource names: `nodes/n1`, `pools/home`. An id is the part behind the slash; inside the core only ids are used. */
export type Collection = "nodes" | "pools" | "releases" | "overrides" | "enrollmentTokens" | "events";

/** Ids hold letters, digits and `-_.+`; 1 to 128 characters. Dots make no path: an id never starts with one. */
const ID = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/;

/** The full name of a resource. */
export function formatName(collection: Collection, id: string): string {
  return `${collection}/${id}`;
}

/** The id in a full name, or undefined where it is not a well-formed name of that collection. */
export function parseName(collection: Collection, name: string): string | undefined {
  const prefix = `${collection}/`;
  if (!name.startsWith(prefix)) return undefined;
  const id = name.slice(prefix.length);
  return ID.test(id) ? id : undefined;
}
