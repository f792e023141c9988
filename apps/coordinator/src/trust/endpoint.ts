/**
 * The metadata as files, under `/v1/metadata/` of the artifact endpoint, by TUF's names: `2.root.json`, `7.targets.json`,
 * `7.snapshot.json`, `timestamp.json`; and beside them `brakes.json`, a JSON array of the brakes that hold, each in base64.
 * For everybody, without a token: what is here is signed, and who reads it checks it. A mirror has the same files.
 */
import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { StoreUnavailable } from "../ledger/owner.ts";
import type { Carried } from "./carried.ts";

/** Where the files are. */
export const METADATA_PREFIX = "/v1/metadata/";

/** A root of a version never changes: another one is refused. */
const FOR_EVER = "public, max-age=31536000, immutable";
/** Another file may come under the same version after a key of the publisher was lost. */
const A_WHILE = "public, max-age=300";
const ASK_AGAIN = "public, no-cache";

const VERSIONED = /^([1-9][0-9]{0,15})\.(root|targets|snapshot)\.json$/;

interface Found {
  readonly bytes: Uint8Array;
  readonly caching: string;
}

/** Answers a request whose path begins with the prefix; `read` waits for what is being written. */
export async function serveMetadata(
  read: () => Promise<{ readonly carried: Carried; readonly now: number }>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { Allow: "GET, HEAD" }).end();
    return;
  }
  const isHead = request.method === "HEAD";
  const view = await read().catch((error: unknown) => {
    if (error instanceof StoreUnavailable) return undefined;
    throw error;
  });
  if (view === undefined) {
    response.writeHead(503, { "Content-Type": "text/plain; charset=utf-8", "Retry-After": "2" });
    response.end(isHead ? undefined : "not now\n");
    return;
  }
  const { carried, now } = view;
  const found = find(carried, (request.url ?? "").slice(METADATA_PREFIX.length), now);
  if (found === undefined) {
    response.writeHead(404, { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" });
    response.end(isHead ? undefined : "no such metadata here\n");
    return;
  }
  const etag = etagOf(found.bytes);
  const headers = { ETag: etag, "Cache-Control": found.caching };
  if (request.headers["if-none-match"] === etag) {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(200, { ...headers, "Content-Type": "application/json", "Content-Length": found.bytes.length });
  response.end(isHead ? undefined : found.bytes);
}

function find({ files, brakes }: Carried, name: string, now: number): Found | undefined {
  if (name === "brakes.json") {
    const statements = brakes.inForce(now).map(({ statement }) => Buffer.from(statement).toString("base64"));
    return { bytes: Buffer.from(JSON.stringify(statements)), caching: ASK_AGAIN };
  }
  if (name === "timestamp.json") return withCaching(files.newest("timestamp")?.bytes, ASK_AGAIN);
  const [, version, role] = VERSIONED.exec(name) ?? [];
  switch (role) {
    case "root":
      return withCaching(files.get(role, Number(version))?.bytes, FOR_EVER);
    case "targets":
    case "snapshot":
      return withCaching(files.get(role, Number(version))?.bytes, A_WHILE);
    default:
      return undefined;
  }
}

function withCaching(bytes: Uint8Array | undefined, caching: string): Found | undefined {
  return bytes && { bytes, caching };
}

const etags = new WeakMap<Uint8Array, string>();

/** Worked out once for each file. */
function etagOf(bytes: Uint8Array): string {
  const known = etags.get(bytes);
  if (known !== undefined) return known;
  const etag = `"${createHash("sha256").update(bytes).digest("hex")}"`;
  etags.set(bytes, etag);
  return etag;
}
