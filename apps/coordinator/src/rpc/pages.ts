/**
 * Pages of a list: a page token is the key after which the next page begins. A page may hold fewer items than were asked
 * for, where they would not fit one message.
 */
import { type DescMessage, type MessageInitShape, type MessageShape, create, toBinary } from "@bufbuild/protobuf";
import type { Fields } from "../wire/fields.ts";
import { MESSAGE_BUDGET_BYTES } from "./message-size.ts";

const PAGE_DEFAULT = 100;
/** Items a page, at the most. */
export const PAGE_MAX = 1000;

/** How items are told apart and written. */
export interface PageOf<T, M extends DescMessage> {
  readonly schema: M;
  readonly keyOf: (item: T) => string;
  readonly write: (item: T) => MessageInitShape<M>;
}

/** A page, written. */
export interface Page<M extends DescMessage> {
  readonly messages: MessageShape<M>[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** The key after which a page begins; empty for the first. */
export function readPageToken(pageToken: string): string {
  return Buffer.from(pageToken, "base64url").toString("utf8");
}

/**
 * The items after the token, at most a page of them. `items` are in the order of their keys; of very many, the token's own
 * and one more than a page after it are enough.
 */
export function page<T, M extends DescMessage>(
  fields: Fields,
  items: readonly T[],
  { schema, keyOf, write }: PageOf<T, M>,
  request: { readonly pageSize: number; readonly pageToken: string },
): Page<M> {
  fields.number(request.pageSize, "page_size", { min: 0, max: PAGE_MAX });
  const after = readPageToken(request.pageToken);
  const found = request.pageToken === "" ? -1 : items.findIndex((item) => keyOf(item) === after);
  fields.check(request.pageToken === "" || found >= 0, "page_token", "is not one that was given out; begin anew");
  fields.done();
  const size = request.pageSize === 0 ? PAGE_DEFAULT : request.pageSize;
  const messages: MessageShape<M>[] = [];
  let bytes = 0;
  let last = found;
  for (const item of items.slice(found + 1, found + 1 + size)) {
    const message = create(schema, write(item));
    bytes += toBinary(schema, message).length;
    if (messages.length > 0 && bytes > MESSAGE_BUDGET_BYTES) break;
    messages.push(message);
    last += 1;
  }
  const lastItem = items[last];
  const more = last + 1 < items.length && lastItem !== undefined;
  return { messages, nextPageToken: more ? Buffer.from(keyOf(lastItem)).toString("base64url") : "" };
}
