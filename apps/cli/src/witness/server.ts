/**
 * A witness over HTTP: `POST /add-checkpoint`, as C2SP tlog-witness has it. Plain HTTP will do: what comes in and what goes
 * out is signed. It remembers before it answers, and answers nothing it does not remember.
 */
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  REQUEST_BYTES_MAX,
  SIZE_CONTENT_TYPE,
  type VerifierKey,
  type WitnessAnswer,
  cosign,
  decideAddCheckpoint,
  formatSignatures,
} from "@moult/trust/audit";
import type { WitnessMemory } from "./memory.ts";

/** A request is some kilobytes; who takes longer is cut off. */
const REQUEST_MS = 10_000;
/** As many at a time; the next ones wait in the system's queue. */
const CONNECTIONS_MAX = 256;

/** What a witness works with. */
export interface WitnessParts {
  readonly name: string;
  readonly privateKey: Uint8Array;
  readonly logs: readonly VerifierKey[];
  readonly memory: WitnessMemory;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Told of each answer, with the log's origin where it was found to have signed. */
  readonly onAnswer: (answer: WitnessAnswer) => void;
  /** Told of what kept it from answering. */
  readonly onFailure: (error: unknown) => void;
}

/** A witness that serves. */
export interface RunningWitness {
  /** Its submission prefix. */
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** Starts to listen. Rejects where it cannot. */
export async function startWitness(parts: WitnessParts, host: string, port: number): Promise<RunningWitness> {
  const server = createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS }, (request, response) => {
    serve(parts, request, response).catch((error: unknown) => {
      // The one who asked has gone, or the disk refused: either way nothing was cosigned that anybody could see.
      parts.onFailure(error);
      if (response.headersSent) response.destroy();
      else answer(response, 500, "the witness cannot remember now\n");
    });
  });
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function serve(parts: WitnessParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url !== "/add-checkpoint") return answer(response, 404, "there is /add-checkpoint here\n");
  if (request.method !== "POST") return answer(response, 405, "POST a checkpoint\n");
  const bytes = await readAll(request);
  if (bytes === undefined) return answer(response, 413, `a request has at most ${REQUEST_BYTES_MAX} bytes\n`);
  // From here to the end without a pause: nobody else can decide between this decision and its being remembered.
  const decision = decideAddCheckpoint(bytes, parts.logs, parts.memory.last);
  if (decision.kind === "COSIGN") parts.memory.keep(decision.checkpoint);
  parts.onAnswer(decision);
  say(parts, decision, response);
}

function say({ name, privateKey, now }: WitnessParts, decision: WitnessAnswer, response: ServerResponse): void {
  switch (decision.kind) {
    case "COSIGN": {
      const text = decision.checkpoint.note.unverifiedText;
      const cosignature = cosign(text, name, privateKey, Math.floor(now() / 1000));
      return answer(response, 200, formatSignatures([cosignature]));
    }
    case "BAD_REQUEST":
      return answer(response, 400, `${decision.why}\n`);
    case "FORBIDDEN":
      return answer(response, 403, "not signed by the log\n");
    case "UNKNOWN_LOG":
      return answer(response, 404, "this log is not witnessed here\n");
    case "OTHER_SIZE":
    case "OTHER_ROOT":
      return answer(response, 409, `${decision.size}\n`, SIZE_CONTENT_TYPE);
    case "UNPROVEN":
      return answer(response, 422, "the proof does not hold\n");
  }
}

async function readAll(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const bytes = chunk as Buffer;
    length += bytes.length;
    if (length > REQUEST_BYTES_MAX) {
      request.pause();
      return undefined;
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

function answer(response: ServerResponse, status: number, text: string, type = "text/plain; charset=utf-8"): void {
  const body = Buffer.from(text);
  // A body that was not read to its end is not to be taken for the next request.
  const closing = status === 413 ? { Connection: "close" } : {};
  response.writeHead(status, { "Content-Type": type, "Content-Length": body.length, ...closing }).end(body);
}
