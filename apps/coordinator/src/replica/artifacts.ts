/**
 * The artifact endpoint of one of several coordinators: files are served from the folder that they share, what the one
 * that decides has signed or verified is fetched from it.
 */
import type { IncomingHttpHeaders, RequestListener, ServerResponse } from "node:http";
import { request as call } from "node:https";
import { AUDIT_PREFIX } from "../audit/endpoint.ts";
import { METADATA_PREFIX } from "../trust/endpoint.ts";
import { HOP_KEY, type Hop } from "./hop.ts";

/** Far above what an answer takes. */
const ANSWER_MS = 10_000;
/** What goes along of a request, and of its answer. */
const ALONG = ["accept-encoding", "if-none-match"];
const BACK = ["content-type", "content-length", "content-encoding", "cache-control", "vary", "etag", "retry-after"];

/** What it works with. */
export interface SharedArtifactsParts {
  readonly hop: Hop;
  readonly caPem: string;
  readonly speaks: () => boolean;
  /** Base URL of the artifacts of the one that decides, if another does. */
  readonly other: () => string | undefined;
}

/** `endpoint`, but for what is fetched. */
export function sharedArtifacts(endpoint: RequestListener, parts: SharedArtifactsParts): RequestListener {
  return (request, response) => {
    const { url = "", method = "", headers } = request;
    const isTheirs = url.startsWith(AUDIT_PREFIX) || url.startsWith(METADATA_PREFIX);
    const reads = method === "GET" || method === "HEAD";
    if (!isTheirs || !reads || parts.speaks()) return endpoint(request, response);
    const base = parts.other();
    // What was handed on once is not handed on again.
    if (base === undefined || base === "" || parts.hop.proves(headers[HOP_KEY])) return refuse(response);
    const along = { ...pick(headers, ALONG), [HOP_KEY]: parts.hop.token };
    const fetching = call(
      `${base}${url}`,
      { method, ca: parts.caPem, headers: along, timeout: ANSWER_MS },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, pick(answer.headers, BACK));
        answer.on("error", () => response.destroy());
        answer.pipe(response);
      },
    );
    fetching.on("timeout", () => fetching.destroy(new Error("no answer in time")));
    fetching.on("error", () => refuse(response));
    response.once("close", () => fetching.destroy());
    fetching.end();
  };
}

function pick(headers: IncomingHttpHeaders, names: readonly string[]): Record<string, string | string[]> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function refuse(response: ServerResponse): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(503, { "Content-Type": "text/plain; charset=utf-8", "Retry-After": "2" });
  response.end("not now\n");
}
