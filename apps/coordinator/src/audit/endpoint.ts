/**
 * The log as C2SP tlog-tiles, under `/v1/audit/` of the artifact endpoint: `checkpoint`, `tile/L/N[.p/W]`,
 * `tile/entries/N[.p/W]`, and beside the specification `body/DIGEST` for bodies that are too large for an entry. For
 * everybody, without a token: what is here was signed for, and who reads it checks it.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import {
  HASH_BYTES,
  type SignedCheckpoint,
  TILE_WIDTH,
  type Tile,
  checkpointBytes,
  parseTilePath,
  tileWidth,
  writeBundle,
} from "@moult/trust/audit";
import type { TreeStore } from "../store/tree.ts";

/** Where the log begins. */
export const AUDIT_PREFIX = "/v1/audit/";

/** A full tile never changes, and a partial one of a width neither. */
const FOR_EVER = "public, max-age=31536000, immutable";
/** Checkpoints come every few seconds. */
const SHORTLY = "public, max-age=1";
const BODY_PATH = /^body\/([0-9a-f]{64})$/;

const compress = promisify(gzip);

/** What the endpoint serves. */
export interface AuditEndpointParts {
  readonly tree: TreeStore;
  readonly published: () => SignedCheckpoint | undefined;
}

interface Found {
  readonly bytes: Uint8Array;
  readonly type: "text/plain; charset=utf-8" | "application/octet-stream" | "application/json";
  readonly caching: typeof FOR_EVER | typeof SHORTLY;
  readonly compressible: boolean;
}

/** Answers a request whose path begins with the prefix. */
export async function serveAudit(
  parts: AuditEndpointParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { Allow: "GET, HEAD" }).end();
    return;
  }
  const found = await find(parts, (request.url ?? "").slice(AUDIT_PREFIX.length));
  if (found === undefined) {
    response.writeHead(404, { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" });
    response.end(request.method === "HEAD" ? undefined : "not in this log, or not yet\n");
    return;
  }
  const zip = found.compressible && /(?:^|[ ,])gzip(?:$|[ ,;])/.test(request.headers["accept-encoding"] ?? "");
  // The least effort: entries repeat themselves, and time is worth more than the last tenth.
  const bytes = zip ? await compress(found.bytes, { level: constants.Z_BEST_SPEED }) : found.bytes;
  response.writeHead(200, {
    "Content-Type": found.type,
    "Content-Length": bytes.length,
    "Cache-Control": found.caching,
    ...(found.compressible ? { Vary: "Accept-Encoding" } : {}),
    ...(zip ? { "Content-Encoding": "gzip" } : {}),
  });
  response.end(request.method === "HEAD" ? undefined : bytes);
}

async function find({ tree, published }: AuditEndpointParts, path: string): Promise<Found | undefined> {
  const checkpoint = published();
  // What nobody signed for is not shown: it may still be given up.
  if (checkpoint === undefined) return undefined;
  if (path === "checkpoint") {
    const bytes = checkpointBytes(checkpoint);
    return { bytes, type: "text/plain; charset=utf-8", caching: SHORTLY, compressible: false };
  }
  const digest = BODY_PATH.exec(path)?.[1];
  if (digest !== undefined) {
    const bytes = await tree.body(digest);
    return bytes && { bytes, type: "application/json", caching: FOR_EVER, compressible: true };
  }
  const tile = parseTilePath(path);
  if (tile === undefined || tile.width > tileWidth(tile.level, tile.index, checkpoint.size)) return undefined;
  const bytes = await readTile(tree, tile);
  return (
    bytes && { bytes, type: "application/octet-stream", caching: FOR_EVER, compressible: tile.level === "entries" }
  );
}

/** A partial tile that was signed for can be had also when the tile has grown since. */
async function readTile(tree: TreeStore, { level, index, width }: Tile): Promise<Uint8Array | undefined> {
  if (level === "entries") {
    const entries = await tree.entries(index * TILE_WIDTH, width);
    return entries.length === width ? writeBundle(entries) : undefined;
  }
  const hashes = await tree.tile(level, index);
  return hashes && hashes.length >= width * HASH_BYTES ? hashes.subarray(0, width * HASH_BYTES) : undefined;
}
