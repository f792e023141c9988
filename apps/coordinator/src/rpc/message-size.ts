/** Keeps what is sent below gRPC's limit, because much of it is nodes' own words and they decide how long it is. */

/** Below the 4 MiB that gRPC takes, with room for what stands around the items. */
export const MESSAGE_BUDGET_BYTES: number = 3 * 1024 * 1024;

/** The items in order, in groups of which each fits the budget. An item that is larger by itself stands alone. */
export function* inMessages<T>(items: readonly T[], bytesOf: (item: T) => number): Generator<readonly T[]> {
  let group: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const more = bytesOf(item);
    if (group.length > 0 && bytes + more > MESSAGE_BUDGET_BYTES) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(item);
    bytes += more;
  }
  if (group.length > 0) yield group;
}
