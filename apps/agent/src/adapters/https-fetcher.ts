/** Gets bytes over HTTPS with Range. Follows no redirect and asks for no compression: bytes are taken as they are. */
import { Agent, request } from "node:https";
import type { IncomingMessage } from "node:http";
import { type Answer, type Fetcher, SourceError } from "../pull/source.ts";

/** A fetcher that trusts the authority in `ca`, PEM. */
export function createHttpsFetcher(ca: string): Fetcher {
  // One connection a source: a device is in no hurry and shares its owner's line.
  const agent = new Agent({ ca, keepAlive: false, maxSockets: 1 });
  return {
    async get(url, offsetBytes, signal) {
      const headers: Record<string, string> = { "accept-encoding": "identity" };
      if (offsetBytes > 0) headers["range"] = `bytes=${offsetBytes}-`;
      const response = await send(url, headers, agent, signal);
      return answerOf(response, offsetBytes);
    },
  };
}

function send(
  url: string,
  headers: Record<string, string>,
  agent: Agent,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  if (!URL.canParse(url) || new URL(url).protocol !== "https:") {
    return Promise.reject(new SourceError("UNREACHABLE", "the source is no https URL"));
  }
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { headers, agent, signal }, resolve);
    outgoing.on("error", (error) => reject(new SourceError("UNREACHABLE", error.message, error)));
    outgoing.end();
  });
}

function answerOf(response: IncomingMessage, askedBytes: number): Answer {
  const status = response.statusCode ?? 0;
  const range = /^bytes ([0-9]+)-[0-9]+\/([0-9]+)$/.exec(response.headers["content-range"] ?? "");
  const length = /^[0-9]+$/.exec(response.headers["content-length"] ?? "");
  const pieces = piecesOf(response);
  if (status === 206 && range !== null) {
    return { status, offsetBytes: Number(range[1]), totalBytes: Number(range[2]), pieces };
  }
  // A range beyond the end has nothing to give; the length decides whether that is right.
  if (status === 416) return { status, offsetBytes: askedBytes, totalBytes: undefined, pieces };
  return { status, offsetBytes: 0, totalBytes: length === null ? undefined : Number(length[0]), pieces };
}

async function* piecesOf(response: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of response) yield piece as Buffer;
  } catch (error) {
    throw new SourceError("CUT", error instanceof Error ? error.message : "the connection broke", error);
  }
}
