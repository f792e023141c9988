/** Lists that come in pages. */

/** As many as one answer may carry. */
const PAGE_SIZE = 1000;

/** What every page of a list says. */
interface Page {
  readonly nextPageToken: string;
}

/** Everything in all pages. `fetch` asks for one of them. */
export async function allPages<P extends Page, T>(
  fetch: (page: { readonly pageSize: number; readonly pageToken: string }) => Promise<P>,
  itemsOf: (page: P) => readonly T[],
): Promise<T[]> {
  const items: T[] = [];
  const seen = new Set<string>();
  let pageToken = "";
  do {
    const page = await fetch({ pageSize: PAGE_SIZE, pageToken });
    items.push(...itemsOf(page));
    pageToken = page.nextPageToken;
    if (seen.has(pageToken)) throw new Error(`the coordinator gave the page token ${pageToken} twice`);
    seen.add(pageToken);
  } while (pageToken !== "");
  return items;
}
