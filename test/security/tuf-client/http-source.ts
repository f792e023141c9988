/** Metadata and artifacts over HTTP: bounded in bytes and time, and stopped at once when a bound is passed. */
import { type MetadataSource, fileNameOf } from "@moult/trust/tuf";

const TIMEOUT_MS = 30_000;

/** The body at `url`; undefined where there is none (404, 403). Throws where it is longer than `bytesMax`, late or broken. */
export async function fetchBounded(url: string, bytesMax: number): Promise<Uint8Array | undefined> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: "error" });
  if (response.status === 404 || response.status === 403) {
    await response.body?.cancel();
    return undefined;
  }
  if (!response.ok || response.body === null) throw new Error(`${url}: status ${response.status}`);
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop early cancels the body, so an endless one does not go on behind our back.
  for await (const chunk of response.body) {
    length += chunk.length;
    if (length > bytesMax) throw new Error(`${url}: more than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** The metadata below `base`. */
export function httpSource(base: string): MetadataSource {
  return { fetch: (file, bytesMax) => fetchBounded(under(base, fileNameOf(file)), bytesMax) };
}

/** The address of `path`, already escaped, below `base`. */
export function under(base: string, path: string): string {
  return `${base.endsWith("/") ? base : `${base}/`}${path}`;
}
