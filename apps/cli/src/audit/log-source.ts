/**
 * A log over HTTP: bounded answers under deadlines, a few at a time. It checks nothing; what it hands out is unverified
 * bytes, and who takes them must say how many there may be.
 */
import { type IncomingMessage, Agent as HttpAgent, get as getHttp } from "node:http";
import { Agent as HttpsAgent, get as getHttps } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import {
  BUNDLE_BYTES_MAX,
  HASH_BYTES,
  NOTE_BYTES_MAX,
  TILE_WIDTH,
  type Tile,
  readBundle,
  tilePath,
  writeBundle,
} from "@moult/trust/audit";
import { CliError } from "../errors.ts";
import type { LogSettings } from "./options.ts";

/** One answer, whole, may take so long; a bundle has some 100 kB. */
const ANSWER_MS = 30_000;
/** Connections at a time, and requests ahead of what is checked. */
export const REQUESTS_MAX = 8;
const TRIES = 3;
const TRY_AGAIN_MS = 500;

const unzip = promisify(gunzip);

/** The log; close it when done. */
export interface LogSource {
  readonly checkpoint: () => Promise<Uint8Array>;
  /** A tile or a bundle. A log may keep only the full one where a partial one has grown; who asked for it takes its part. */
  readonly tile: (tile: Tile) => Promise<Uint8Array>;
  readonly body: (digest: string, bytesMax: number) => Promise<Uint8Array>;
  readonly close: () => void;
}

/** The log under the settings' URL. */
export function openLog({ url, caPem }: Pick<LogSettings, "url" | "caPem">): LogSource {
  const isTls = url.startsWith("https:");
  const agent = isTls
    ? new HttpsAgent({ ca: caPem, keepAlive: true, maxSockets: REQUESTS_MAX })
    : new HttpAgent({ keepAlive: true, maxSockets: REQUESTS_MAX });
  // A machine talking to itself has time to lose on compression, and no line to spare.
  const isNear = /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(new URL(url).hostname);
  const headers = { "accept-encoding": isNear ? "identity" : "gzip" };

  const once = (path: string, bytesMax: number): Promise<Uint8Array | undefined> =>
    new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(ANSWER_MS);
      const running = (isTls ? getHttps : getHttp)(`${url}/${path}`, { agent, headers, signal }, (response) => {
        readAnswer(response, bytesMax).then(resolve, (error: unknown) => {
          running.destroy();
          reject(error);
        });
      });
      running.on("error", reject);
    });

  const get = async (path: string, bytesMax: number): Promise<Uint8Array | undefined> => {
    for (let left = TRIES - 1; ; left -= 1) {
      try {
        return await once(path, bytesMax);
      } catch (error) {
        if (error instanceof CliError) throw error;
        if (left === 0) throw unreachable(url, (error as Error).message, error);
        await sleep(TRY_AGAIN_MS);
      }
    }
  };
  const need = async (path: string, bytesMax: number): Promise<Uint8Array> => {
    const bytes = await get(path, bytesMax);
    if (bytes !== undefined) return bytes;
    throw new CliError("VERIFICATION", `The log does not have ${path}, which its checkpoint says is there.`);
  };

  return {
    async checkpoint() {
      const bytes = await get("checkpoint", NOTE_BYTES_MAX);
      if (bytes !== undefined) return bytes;
      throw new CliError("NOT_FOUND", `There is no log at ${url}, or it has signed nothing yet.`);
    },
    async tile(tile) {
      const bytesMax = tile.level === "entries" ? BUNDLE_BYTES_MAX : TILE_WIDTH * HASH_BYTES;
      const bytes = await get(tilePath(tile), bytesMax);
      if (bytes !== undefined || tile.width === TILE_WIDTH) return bytes ?? need(tilePath(tile), bytesMax);
      return partOf(await need(tilePath({ ...tile, width: TILE_WIDTH }), bytesMax), tile);
    },
    body: (digest, bytesMax) => need(`body/${digest}`, bytesMax),
    close: () => agent.destroy(),
  };
}

function partOf(full: Uint8Array, { level, width }: Tile): Uint8Array {
  if (level !== "entries") return full.subarray(0, width * HASH_BYTES);
  return writeBundle(readBundle(full, TILE_WIDTH).slice(0, width));
}

/** The body; undefined where there is none under this path. */
async function readAnswer(response: IncomingMessage, bytesMax: number): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    const bytes = chunk as Buffer;
    length += bytes.length;
    if (length > bytesMax) throw tooLong(bytesMax);
    chunks.push(bytes);
  }
  if (response.statusCode === 404) return undefined;
  if (response.statusCode !== 200) throw new Error(`it answered ${response.statusCode ?? 0}`);
  const body = Buffer.concat(chunks);
  if (response.headers["content-encoding"] !== "gzip") return body;
  try {
    return await unzip(body, { maxOutputLength: bytesMax });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLong(bytesMax);
    throw error;
  }
}

function tooLong(bytesMax: number): CliError {
  return new CliError("VERIFICATION", `The log answered with more than the ${bytesMax} bytes that may be there.`);
}

function unreachable(url: string, why: string, cause: unknown): CliError {
  return new CliError("UNREACHABLE", `The log ${url} does not answer: ${why}`, {
    advice: ["Is this its prefix? --log URL"],
    cause,
  });
}
