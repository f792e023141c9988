/** Pages of a list: a page token is the key after which the next page begins. */
import type { Fields } from "../wire/fields.ts";

const PAGE_DEFAULT = 100;
const PAGE_MAX = 1000;

/** The items after `token`, at most a page of them. `items` are in the order of `keyOf`. */
export function page<T>(
  fields: Fields,
  items: readonly T[],
  keyOf: (item: T) => string,
  request: { readonly pageSize: number; readonly pageToken: string },
): { readonly items: readonly T[]; readonly nextPageToken: string } {
  fields.number(request.pageSize, "page_size", { min: 0, max: PAGE_MAX });
  const after = Buffer.from(request.pageToken, "base64url").toString("utf8");
  const found = request.pageToken === "" ? -1 : items.findIndex((item) => keyOf(item) === after);
  fields.check(request.pageToken === "" || found >= 0, "page_token", "is not one that was given out; begin anew");
  fields.done();
  const size = request.pageSize === 0 ? PAGE_DEFAULT : request.pageSize;
  const chosen = items.slice(found + 1, found + 1 + size);
  const last = chosen.at(-1);
  const more = found + 1 + size < items.length && last !== undefined;
  return { items: chosen, nextPageToken: more ? Buffer.from(keyOf(last)).toString("base64url") : "" };
}
