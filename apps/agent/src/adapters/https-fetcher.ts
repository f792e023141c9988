/** Gets bytes over HTTPS with Range. Follows no redirect and asks for no compression: bytes are taken as they are. */
import { type Agent, request } from "node:https";
import type { IncomingMessage } from "node:http";
import { type Answer, type Fetcher, SourceError } from "../pull/source.ts";
import { FloorAgent } from "./tls/https-agent.ts";
import type { PeerTrust } from "./tls/peer-trust.ts";

/** A fetcher that trusts whom `trust` does. */
export function createHttpsFetcher(trust: PeerTrust): Fetcher {
  // One connection a source: a device is in no hurry and shares its owner's line.
  const agent = new FloorAgent(trust, { keepAlive: false, maxSockets: 1 });
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
    outgoing.on("error", (error) => reject(new SourceError("UNREACHABLE", error.message, { cause: error })));
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

/** Held back at most, in bytes; beyond it the source is made to wait. */
const QUEUE_BYTES_MAX = 131_072;

/**
 * The body in pieces. When the connection breaks, what had arrived is given out before the break is told: Node's own
 * iterator drops it, and on a line that is cut every few kilobytes nothing would ever come through.
 */
async function* piecesOf(response: IncomingMessage): AsyncGenerator<Uint8Array> {
  const queue: Uint8Array[] = [];
  let queuedBytes = 0;
  let end: { readonly error?: SourceError } | undefined;
  let news = Promise.withResolvers<void>();
  const finish = (error?: Error): void => {
    end ??= error === undefined ? {} : { error: new SourceError("CUT", error.message, { cause: error }) };
    news.resolve();
  };
  response.on("data", (piece: Buffer) => {
    queue.push(piece);
    queuedBytes += piece.length;
    if (queuedBytes > QUEUE_BYTES_MAX) response.pause();
    news.resolve();
  });
  response.on("end", () => finish());
  response.on("error", finish);
  response.on("close", () => finish(new Error("the connection was closed")));
  try {
    for (;;) {
      const piece = queue.shift();
      if (piece !== undefined) {
        queuedBytes -= piece.length;
        yield piece;
        continue;
      }
      if (end?.error !== undefined) throw end.error;
      if (end !== undefined) return;
      news = Promise.withResolvers<void>();
      response.resume();
      await news.promise;
    }
  } finally {
    response.destroy();
  }
}
