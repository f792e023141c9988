/**
 * The artifact endpoint, over HTTPS: `GET|HEAD /v1/manifests/{digest}` gives the signed manifest, `GET|HEAD
 * /v1/parts/{digest}` a part (with Range), `PUT /v1/parts/{digest}` takes one from a releaser, and the audit log is under
 * `/v1/audit/`. Nothing here is secret and
 * nothing is trusted: devices verify every byte they fetch.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { Access } from "@moult/contracts/v1";
import { AUDIT_PREFIX, type AuditEndpointParts, serveAudit } from "../audit/endpoint.ts";
import type { OperatorTokens } from "../identity/operator-tokens.ts";
import type { Log } from "../ports.ts";
import type { PartFiles } from "./part-files.ts";
import { readRange } from "./range.ts";

/** What the endpoint works with. */
export interface EndpointParts {
  readonly partFiles: PartFiles;
  readonly manifest: (digest: string) => Promise<Uint8Array | undefined>;
  readonly operators: OperatorTokens;
  readonly log: Log;
  readonly partBytesMax: number;
  readonly audit: AuditEndpointParts;
}

const ROUTE = /^\/v1\/(manifests|parts)\/([0-9a-f]{64})$/;
/** A digest names its bytes for ever. */
const CACHE_CONTROL = "public, max-age=31536000, immutable";

/** What reading from and writing to a client that has gone away fails with. */
const GONE: ReadonlySet<string> = new Set(["ERR_STREAM_PREMATURE_CLOSE", "ECONNRESET", "EPIPE"]);
/** How long the rest of a body that was refused is read, so that the answer is not lost in a reset connection. */
const LINGER_MS = 2_000;

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
  const [, kind, digest] = ROUTE.exec(request.url ?? "") ?? [];
  if (kind === undefined || digest === undefined) {
    say(response, 404, "there is /v1/manifests/DIGEST and /v1/parts/DIGEST here");
  } else if (request.method === "GET" || request.method === "HEAD") {
    if (kind === "parts") await sendPart(parts, digest, request, response);
    else await sendManifest(parts, digest, request, response);
  } else if (request.method === "PUT" && kind === "parts") {
    await takePart(parts, digest, request, response);
  } else {
    response.setHeader("Allow", kind === "parts" ? "GET, HEAD, PUT" : "GET, HEAD");
    say(response, 405, "this method is not served here");
  }
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

async function sendPart(
  parts: EndpointParts,
  digest: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const length = parts.partFiles.length(digest);
  if (length === undefined) {
    say(response, 404, `no part ${digest} here`);
    return;
  }
  const range = readRange(request.headers.range, length);
  if (range === "UNSATISFIABLE") {
    response.setHeader("Content-Range", `bytes */${length}`);
    say(response, 416, `the part has ${length} bytes`);
    return;
  }
  const whole = range === "WHOLE";
  const { start, end } = whole ? { start: 0, end: length - 1 } : range;
  response.writeHead(whole ? 200 : 206, {
    "Content-Type": "application/octet-stream",
    "Content-Length": end - start + 1,
    "Accept-Ranges": "bytes",
    ETag: `"${digest}"`,
    "Cache-Control": CACHE_CONTROL,
    ...(whole ? {} : { "Content-Range": `bytes ${start}-${end}/${length}` }),
  });
  if (request.method === "HEAD" || length === 0) response.end();
  else await pipeline(parts.partFiles.read(digest, start, end), response);
}

async function takePart(
  parts: EndpointParts,
  digest: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const token = /^Bearer (.{1,2048})$/.exec(request.headers.authorization ?? "")?.[1];
  const access = token === undefined ? undefined : parts.operators(token);
  if (access === undefined || access < Access.RELEASER) {
    refuse(request, response, access === undefined ? 401 : 403, "uploading needs a releaser's token");
    return;
  }
  const length = Number(request.headers["content-length"] ?? Number.NaN);
  if (!Number.isSafeInteger(length) || length < 0) {
    refuse(request, response, 411, "send Content-Length");
    return;
  }
  if (length > parts.partBytesMax) {
    refuse(request, response, 413, `a part has at most ${parts.partBytesMax} bytes here`);
    return;
  }
  if (parts.partFiles.length(digest) === length) {
    request.resume();
    say(response, 200, "already here");
    return;
  }
  // The stream is not to be destroyed when reading ends early: the connection still has to carry the answer.
  const body = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  const upload = await parts.partFiles.write(digest, length, body);
  switch (upload) {
    case "STORED":
      say(response, 201, "stored");
      break;
    case "DIGEST_WRONG":
      say(response, 422, `the bytes do not have the digest ${digest}`);
      break;
    case "LENGTH_WRONG":
      say(response, 400, `Content-Length said ${length} bytes; others came`);
      break;
    case "DISK_FULL":
      refuse(request, response, 507, "the coordinator's disk is full");
      break;
  }
}

/** Answers before the body was read; what still comes of it is thrown away, for a moment only. */
function refuse(request: IncomingMessage, response: ServerResponse, code: number, sentence: string): void {
  say(response, code, sentence);
  const enough = setTimeout(() => request.destroy(), LINGER_MS);
  request.once("close", () => clearTimeout(enough));
}

function say(response: ServerResponse, code: number, sentence: string): void {
  const body = Buffer.from(`${sentence}\n`);
  response.writeHead(code, { "Content-Type": "text/plain; charset=utf-8", "Content-Length": body.length });
  response.end(body);
}
