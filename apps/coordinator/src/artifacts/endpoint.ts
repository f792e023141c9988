/**
 * The artifact endpoint, over HTTPS: `GET|HEAD /v1/manifests/{digest}` gives the signed manifest, `GET|HEAD
 * /v1/parts/{digest}` a part, `/v1/packed/{digest}` the same part packed, `/v1/deltas/{old}-{new}` what makes one part of
 * another (all with Range); `PUT` takes each but a manifest from a releaser. The audit log is under `/v1/audit/`, the council's
 * list and what belongs to it under `/v1/metadata/`. Nothing here is secret and nothing is trusted: devices verify every byte they fetch, and what comes of a delta like any part.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { Access } from "@moult/contracts/v1";
import { AUDIT_PREFIX, type AuditEndpointParts, serveAudit } from "../audit/endpoint.ts";
import type { Operator } from "../identity/operators.ts";
import { covers } from "../identity/roles.ts";
import type { Log } from "../ports.ts";
import { METADATA_PREFIX, serveMetadata } from "../trust/endpoint.ts";
import { readRange } from "./range.ts";
import type { Shelf } from "./shelf.ts";

/** What is served as files. */
export type ShelfKind = "parts" | "packed" | "deltas";

/** What the endpoint works with. */
export interface EndpointParts {
  readonly shelves: Readonly<Record<ShelfKind, Shelf>>;
  readonly manifest: (digest: string) => Promise<Uint8Array | undefined>;
  readonly uploader: (request: IncomingMessage) => Operator | undefined;
  readonly log: Log;
  readonly partBytesMax: number;
  readonly audit: AuditEndpointParts;
  /** What is carried for the owners of the network's keys, once it is written. */
  readonly carried: Parameters<typeof serveMetadata>[0];
}

const ROUTE = /^\/v1\/(?:(manifests|parts|packed)\/([0-9a-f]{64})|(deltas)\/([0-9a-f]{64}-[0-9a-f]{64}))$/;
/** A digest names its bytes for ever. */
const CACHE_CONTROL = "public, max-age=31536000, immutable";

/** What reading from and writing to a client that has gone away fails with. */
const GONE: ReadonlySet<string> = new Set(["ERR_STREAM_PREMATURE_CLOSE", "ECONNRESET", "EPIPE"]);
/** How long the rest of a body that was refused is read, so that the answer is not lost in a reset connection. */
const LINGER_MS = 2_000;
/** And so much of it: a fast line brings more in that time than anybody needs who stops when he is answered. */
const LINGER_BYTES_MAX = 33_554_432;

/** The listener. */
export function createEndpoint(parts: EndpointParts): RequestListener {
  return (request, response) => {
    route(parts, request, response).catch((error: unknown) => {
      // A client that went away in the middle is everyday; the rest is ours to look at.
      if (!GONE.has((error as NodeJS.ErrnoException).code ?? ""))
        parts.log.error({ err: error, url: request.url }, "an artifact request failed");
      if (response.headersSent) response.destroy();
      else say(response, 500, "internal error");
    });
  };
}

async function route(parts: EndpointParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url?.startsWith(AUDIT_PREFIX) === true) return serveAudit(parts.audit, request, response);
  if (request.url?.startsWith(METADATA_PREFIX) === true) return serveMetadata(parts.carried, request, response);
  const [, kind, digest, deltas, pair] = ROUTE.exec(request.url ?? "") ?? [];
  const reads = request.method === "GET" || request.method === "HEAD";
  if (kind === "manifests" && digest !== undefined) {
    if (reads) await sendManifest(parts, digest, request, response);
    else refuseMethod(response, "GET, HEAD");
    return;
  }
  const name = digest ?? pair;
  const shelf = shelfOf(kind ?? deltas, parts);
  if (shelf === undefined || name === undefined) {
    say(
      response,
      404,
      "there is /v1/manifests/DIGEST, /v1/parts/DIGEST, /v1/packed/DIGEST and /v1/deltas/OLD-NEW here",
    );
  } else if (reads) {
    await sendFile(shelf, name, request, response);
  } else if (request.method === "PUT") {
    await takeFile(parts, shelf, name, request, response);
  } else {
    refuseMethod(response, "GET, HEAD, PUT");
  }
}

function shelfOf(kind: string | undefined, { shelves }: EndpointParts): Shelf | undefined {
  return kind === "parts" || kind === "packed" || kind === "deltas" ? shelves[kind] : undefined;
}

function refuseMethod(response: ServerResponse, allowed: string): void {
  response.setHeader("Allow", allowed);
  say(response, 405, "this method is not served here");
}

async function sendManifest(
  parts: EndpointParts,
  digest: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const envelope = await parts.manifest(digest);
  if (envelope === undefined) {
    say(response, 404, `no manifest ${digest} here`);
    return;
  }
  response.writeHead(200, {
    "Content-Type": "application/json",
    "Content-Length": envelope.length,
    "Cache-Control": CACHE_CONTROL,
  });
  response.end(request.method === "HEAD" ? undefined : envelope);
}

async function sendFile(shelf: Shelf, name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const length = shelf.length(name);
  if (length === undefined) {
    say(response, 404, `no ${name} here`);
    return;
  }
  const range = readRange(request.headers.range, length);
  if (range === "UNSATISFIABLE") {
    response.setHeader("Content-Range", `bytes */${length}`);
    say(response, 416, `there are ${length} bytes`);
    return;
  }
  const whole = range === "WHOLE";
  const { start, end } = whole ? { start: 0, end: length - 1 } : range;
  response.writeHead(whole ? 200 : 206, {
    "Content-Type": "application/octet-stream",
    "Content-Length": end - start + 1,
    "Accept-Ranges": "bytes",
    ETag: `"${name}"`,
    "Cache-Control": CACHE_CONTROL,
    ...(whole ? {} : { "Content-Range": `bytes ${start}-${end}/${length}` }),
  });
  if (request.method === "HEAD" || length === 0) response.end();
  else await pipeline(shelf.read(name, start, end), response);
}

async function takeFile(
  parts: EndpointParts,
  shelf: Shelf,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const operator = parts.uploader(request);
  if (operator === undefined || !covers(operator.roles, Access.RELEASER)) {
    refuse(request, response, operator === undefined ? 401 : 403, "uploading needs a releaser's token or certificate");
    return;
  }
  const length = Number(request.headers["content-length"] ?? Number.NaN);
  if (!Number.isSafeInteger(length) || length < 0) {
    refuse(request, response, 411, "send Content-Length");
    return;
  }
  if (length > parts.partBytesMax) {
    refuse(request, response, 413, `at most ${parts.partBytesMax} bytes are taken here`);
    return;
  }
  if (shelf.length(name) === length) {
    request.resume();
    say(response, 200, "already here");
    return;
  }
  // The stream is not to be destroyed when reading ends early: the connection still has to carry the answer.
  const body = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  const upload = await shelf.write(name, length, body);
  switch (upload) {
    case "STORED":
      say(response, 201, "stored");
      break;
    case "DIGEST_WRONG":
      say(response, 422, `the bytes do not have the digest ${name}`);
      break;
    case "DELTA_WRONG":
      say(response, 422, `the bytes are not the delta ${name}`);
      break;
    case "PART_MISSING":
      refuse(request, response, 409, "upload the part before what makes it");
      break;
    case "LENGTH_WRONG":
      say(response, 400, `Content-Length said ${length} bytes; others came`);
      break;
    case "DISK_FULL":
      refuse(request, response, 507, "the coordinator's disk is full");
      break;
  }
}

/** Answers before the body was read; what still comes of it is thrown away, for a moment only, and only so much of it. */
function refuse(request: IncomingMessage, response: ServerResponse, code: number, sentence: string): void {
  say(response, code, sentence);
  let leftBytes = LINGER_BYTES_MAX;
  request.on("data", (piece: Buffer) => {
    leftBytes -= piece.length;
    if (leftBytes < 0) request.destroy();
  });
  const enough = setTimeout(() => request.destroy(), LINGER_MS);
  request.once("close", () => clearTimeout(enough));
}

function say(response: ServerResponse, code: number, sentence: string): void {
  const body = Buffer.from(`${sentence}\n`);
  response.writeHead(code, { "Content-Type": "text/plain; charset=utf-8", "Content-Length": body.length });
  response.end(body);
}
