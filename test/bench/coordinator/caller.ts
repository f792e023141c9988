/**
 * A gRPC caller that costs as little as it can: HTTP/2 of Node itself and frames made by hand, so that what a bench
 * measures is the server. It knows unary calls and one kind of stream, and nothing of retries.
 */
import type { IncomingHttpHeaders } from "node:http";
import { type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders, connect } from "node:http2";

/** A call that did not end with status 0. */
export class CallFailed extends Error {
  readonly grpcStatus: number;

  constructor(grpcStatus: number, message: string) {
    super(`grpc-status ${grpcStatus}: ${message}`);
    this.grpcStatus = grpcStatus;
  }
}

/** Length of the prefix of each message, in bytes. */
const PREFIX = 5;

/** A message with gRPC's prefix. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX);
  return frame;
}

/** One connection. */
export class Caller {
  readonly #session: ClientHttp2Session;

  private constructor(session: ClientHttp2Session) {
    this.#session = session;
  }

  /** Connects over TLS; `ca` is the authority in PEM. */
  static open(address: string, ca: string): Promise<Caller> {
    const session = connect(`https://${address}`, { ca });
    session.setMaxListeners(0);
    return new Promise((resolve, reject) => {
      session.once("error", reject);
      session.once("connect", () => {
        session.off("error", reject);
        session.on("error", () => session.destroy());
        resolve(new Caller(session));
      });
    });
  }

  /** One unary call; answers the message's bytes. Rejects with CallFailed. */
  call(path: string, token: string, frame: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const stream = this.#session.request(head(path, token));
      const pieces: Buffer[] = [];
      let failure: CallFailed | undefined;
      const judge = ({ "grpc-status": code = "0", "grpc-message": words = "" }: IncomingHttpHeaders): void => {
        if (code !== "0") failure = new CallFailed(Number(code), decodeURIComponent(words.toString()));
      };
      stream.on("response", judge);
      stream.on("trailers", judge);
      stream.on("data", (piece: Buffer) => pieces.push(piece));
      stream.on("error", reject);
      stream.on("end", () => {
        const [first = Buffer.alloc(0), ...more] = pieces;
        const whole = more.length === 0 ? first : Buffer.concat(pieces);
        if (failure !== undefined) reject(failure);
        else if (whole.length < PREFIX) reject(new CallFailed(2, "no message"));
        else resolve(whole.subarray(PREFIX));
      });
      stream.end(frame);
    });
  }

  /** A stream both ways; what comes down is dropped. */
  stream(path: string, token: string): ClientHttp2Stream {
    const stream = this.#session.request(head(path, token));
    stream.resume();
    stream.on("error", () => undefined);
    return stream;
  }

  close(): void {
    this.#session.destroy();
  }
}

function head(path: string, token: string): OutgoingHttpHeaders {
  return {
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    ...(token !== "" && { authorization: `Bearer ${token}` }),
  };
}
