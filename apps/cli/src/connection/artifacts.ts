/**
 * The artifact endpoint as an uploader sees it: is a file there, and here it is. The endpoint checks each part against
 * its digest; this side only sees to it that nothing stalls for ever.
 */
import { createReadStream } from "node:fs";
import { Agent, type RequestOptions, request } from "node:https";
import type { ClientRequest, IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import { CliError } from "../errors.ts";
import { printable } from "../output/text.ts";
import type { ConnectionSettings } from "./settings.ts";

/** One file to be uploaded. */
interface UploadFile {
  /** Behind `/v1/`: `parts/{digest}`, `packed/{digest}` or `deltas/{old}-{new}`. */
  readonly name: string;
  readonly lengthBytes: number;
  /** Where it is on this machine. */
  readonly path: string;
}

/** The endpoint; close it when done. */
export interface ArtifactEndpoint {
  /** Whether it has the file already. */
  readonly has: (name: string) => Promise<boolean>;
  /** Uploads a file; `onBytes` learns how many bytes went out each time. */
  readonly put: (file: UploadFile, onBytes: (count: number) => void) => Promise<void>;
  readonly close: () => void;
}

/** A line on which nothing moves for this long is given up, in milliseconds. */
const STALL_MS = 30_000;

/** As much of an endpoint's explanation is shown, in characters. */
const EXPLANATION_LENGTH_MAX = 500;

/** The endpoint at `baseUrl`. */
export function openArtifacts(baseUrl: string, settings: ConnectionSettings): ArtifactEndpoint {
  const { caPem, own, token } = settings;
  const who = own === undefined ? {} : { cert: Buffer.from(own.certificatePem), key: Buffer.from(own.keyPem) };
  const agent = new Agent({ ca: caPem, ...who, keepAlive: true, maxSockets: 1 });
  const open = (method: string, name: string, headers: Record<string, string | number>): ClientRequest => {
    const options: RequestOptions = {
      method,
      agent,
      headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
      timeout: STALL_MS,
    };
    const running = request(`${baseUrl}/v1/${name}`, options);
    running.on("timeout", () => running.destroy(new Error(`nothing moved for ${STALL_MS / 1000} s`)));
    return running;
  };
  return {
    async has(name) {
      const running = open("HEAD", name, {});
      const answered = answerOf(running, baseUrl);
      running.end();
      const { code, text } = await answered;
      if (code === 200) return true;
      // An endpoint that cannot say is given the part; a repeated upload changes nothing.
      if (code === 404 || code === 405 || code === 501) return false;
      throw refusal(code, text);
    },
    async put(file, onBytes) {
      const running = open("PUT", file.name, {
        "content-type": "application/octet-stream",
        "content-length": file.lengthBytes,
      });
      const answered = answerOf(running, baseUrl);
      const source = createReadStream(file.path);
      source.on("data", (chunk) => onBytes(chunk.length));
      // Its failure ends the request, and so is what `answered` reports.
      const sent = pipeline(source, running).catch(() => {});
      const { code, text } = await answered;
      if (code !== 200 && code !== 201 && code !== 204) {
        running.destroy();
        throw refusal(code, text);
      }
      // The last byte may be answered before this side has said that it was the last; only then is the line free.
      await sent;
    },
    close: () => agent.destroy(),
  };
}

interface Response {
  readonly code: number;
  readonly text: string;
}

/** An endpoint may answer before it has read everything; then the answer counts and not the broken pipe. */
function answerOf(running: ClientRequest, baseUrl: string): Promise<Response> {
  return new Promise((resolve, reject) => {
    let answered = false;
    running.on("response", (response) => {
      answered = true;
      readAnswer(response).then(resolve, (error: unknown) => reject(unreachable(error, baseUrl)));
    });
    running.on("error", (error) => {
      if (!answered) reject(unreachable(error, baseUrl));
    });
  });
}

async function readAnswer(response: IncomingMessage): Promise<Response> {
  let text = "";
  response.setEncoding("utf8");
  for await (const chunk of response) {
    if (text.length < EXPLANATION_LENGTH_MAX) text += chunk as string;
  }
  return { code: response.statusCode ?? 0, text: printable(text.trim().slice(0, EXPLANATION_LENGTH_MAX)) };
}

function unreachable(error: unknown, baseUrl: string): unknown {
  // A file that cannot be read is no matter of the endpoint.
  if (error instanceof Error && "path" in error) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new CliError("UNREACHABLE", `The artifact endpoint ${baseUrl} does not answer: ${why}`, {
    advice: ["Run the command again; what was uploaded is not uploaded twice."],
    cause: error,
  });
}

function refusal(code: number, text: string): CliError {
  const said = text === "" ? "" : `: ${text}`;
  const message = `The artifact endpoint answered ${code}${said}`;
  if (code >= 500 && code !== 507) return new CliError("UNREACHABLE", message, { advice: ["Try again later."] });
  const advice =
    code === 401 || code === 403
      ? ["Does this token or certificate allow to publish? --token-file FILE, or --cert FILE --cert-key FILE"]
      : [];
  return new CliError("REFUSED", message, { advice });
}
