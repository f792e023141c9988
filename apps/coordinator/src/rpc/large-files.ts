/**
 * Bounds the memory that large metadata files take on their way out. Anybody may ask for them, and who reads nothing of the
 * answers would have the coordinator hold one copy for each call: so few are on their way at once, whatever the number of
 * connections, and a connection that does not take its file in time is ended.
 */
import type { IncomingMessage, RequestListener } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import {
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  ServerInterceptingCall,
  status,
} from "@grpc/grpc-js";
import { RpcError } from "@moult/contracts";
import type { MethodLimits } from "@moult/contracts/http2";
import { ErrorReason, type GetMetadataResponse } from "@moult/contracts/v1";

/** Smaller answers are not counted: roots and timestamps without many brakes are. */
const LARGE_BYTES = 16_384;
/** On their way at once. A list has 1 MiB at most, and a device takes it within seconds. */
const UNDER_WAY_MAX = 32;
/** 1 MiB over a line of 140 kbit/s. */
const TAKEN_WITHIN_MS = 60_000;
/** When to ask again, in milliseconds. */
const RETRY_MS = 2_000;

const METHOD = "/moult.v1.MetadataService/GetMetadata";

/** Limits that a test may want tighter. */
export interface LargeFilesLimits {
  readonly underWayMax?: number;
  /** Milliseconds. */
  readonly takenWithinMs?: number;
}

/** The large files that are on their way, of all listeners together. */
export class LargeFiles {
  readonly #max: number;
  readonly #withinMs: number;
  #underWay = 0;

  constructor({ underWayMax = UNDER_WAY_MAX, takenWithinMs = TAKEN_WITHIN_MS }: LargeFilesLimits = {}) {
    this.#max = underWayMax;
    this.#withinMs = takenWithinMs;
  }

  /** Takes a place. Answers what gives it back, or undefined where all are taken. `end` is called where it takes too long. */
  begin(end: () => void): (() => void) | undefined {
    if (this.#underWay >= this.#max) return undefined;
    this.#underWay += 1;
    const late = setTimeout(end, this.#withinMs).unref();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      clearTimeout(late);
      this.#underWay -= 1;
    };
  }

  /** For the devices' port, by the path of the call: the place is given back with the end of the call. */
  readonly methods: Readonly<Record<string, MethodLimits>> = {
    [METHOD]: {
      admit: (answer, end) => {
        if (bytesOf(answer as GetMetadataResponse) <= LARGE_BYTES) return undefined;
        const over = this.begin(end);
        if (over === undefined) throw tooMany();
        return over;
      },
    },
  };

  /** For the operators' own port: the place is given back when the peer has taken the file, or the call has ended otherwise. */
  readonly interceptor: ServerInterceptor = (method, call) => {
    // As it came: only its type says less than what grpc-js wants back.
    if (method.path !== METHOD) return call as ServerInterceptingCall;
    let over = (): void => undefined;
    return new ServerInterceptingCall(call, {
      start: (next) => next({ onCancel: () => over() }),
      sendMessage: (message, next) => {
        if (bytesOf(message as GetMetadataResponse | Uint8Array) <= LARGE_BYTES) return next(message);
        const begun = this.begin(() => connectionOf(call)?.destroy());
        if (begun === undefined) {
          const { code, details, metadata } = tooMany();
          return call.sendStatus({ code, details, metadata });
        }
        over = begun;
        next(message);
      },
      // grpc-js sends the status of a unary call when its message has left.
      sendStatus: (ended, next) => {
        over();
        next(ended);
      },
    });
  };

  /** For HTTP: the same bound over the other port, where the size of an answer shows only when it was made. */
  bound(handle: RequestListener): RequestListener {
    return (request, response) => {
      if (!isForMetadata(request)) return handle(request, response);
      const over = this.begin(() => request.socket.destroy());
      if (over === undefined) {
        const { message } = tooMany();
        response.writeHead(429, { "Content-Type": "application/json", "Retry-After": String(RETRY_MS / 1000) });
        response.end(JSON.stringify({ code: "resource_exhausted", message }));
        return;
      }
      response.once("close", over);
      handle(request, response);
    };
  }
}

function isForMetadata({ url = "" }: IncomingMessage): boolean {
  return url.split("?", 1)[0] === METHOD;
}

/** Of a message, or of one that another replica has written. */
function bytesOf(message: GetMetadataResponse | Uint8Array): number {
  if (message instanceof Uint8Array) return message.length;
  const { file, brakes } = message;
  return brakes.reduce((sum, { length }) => sum + length, file.length);
}

/** The connection of a call. grpc-js has no word for it; where it keeps its stream elsewhere, the bound on calls still holds. */
function connectionOf(call: ServerInterceptingCallInterface): { readonly destroy: () => void } | undefined {
  return (call as { readonly stream?: ServerHttp2Stream }).stream?.session;
}

function tooMany(): RpcError {
  const message = "many are fetching metadata at this moment; ask again, or ask a mirror";
  return new RpcError(status.RESOURCE_EXHAUSTED, ErrorReason.OVERLOADED, message, { retryAfterMs: RETRY_MS });
}
