/** Calls with bytes of a test's own choosing, over HTTP/2 as Node speaks it. */
import { type ClientHttp2Session, type ClientSessionOptions, type OutgoingHttpHeaders, connect } from "node:http2";
import { connect as connectSocket } from "node:net";

/** What came back. */
export interface RawAnswer {
  readonly httpStatus: number | undefined;
  /** Of the headers or of the trailers, whichever said so. */
  readonly grpcStatus: string | undefined;
  readonly grpcMessage: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
  /** HTTP/2's code with which the stream ended; 0 where it ended well. */
  readonly rstCode: number | undefined;
}

/** What is sent. */
export interface RawCall {
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  /** Each in a write of its own, one after the other. */
  readonly pieces?: readonly Uint8Array[];
  /** Says that nothing more comes; true by default. */
  readonly ends?: boolean;
}

/** A connection to `unix:/path`, without TLS. */
export async function rawConnect(address: string, options: ClientSessionOptions = {}): Promise<ClientHttp2Session> {
  const createConnection = (): ReturnType<typeof connectSocket> => connectSocket(address.slice("unix:".length));
  const session = connect("http://localhost", { ...options, createConnection });
  session.on("error", () => undefined);
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  return session;
}

/** Makes a call and waits for its end. */
export function rawCall(session: ClientHttp2Session, call: RawCall): Promise<RawAnswer> {
  const { path, headers = {}, pieces = [], ends = true } = call;
  const all = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers", ...headers };
  const stream = session.request(all);
  return new Promise((resolve) => {
    let heard: Record<string, unknown> = {};
    const body: Buffer[] = [];
    stream.on("response", (got) => (heard = { ...heard, ...got }));
    stream.on("trailers", (got) => (heard = { ...heard, ...got }));
    stream.on("data", (piece: Buffer) => body.push(piece));
    stream.on("error", () => undefined);
    stream.on("close", () =>
      resolve({
        httpStatus: heard[":status"] as number | undefined,
        grpcStatus: heard["grpc-status"] as string | undefined,
        grpcMessage: heard["grpc-message"] as string | undefined,
        headers: heard,
        body: Buffer.concat(body),
        rstCode: stream.rstCode,
      }),
    );
    const send = (n: number): void => {
      const piece = pieces[n];
      if (stream.destroyed) return;
      if (piece !== undefined) stream.write(piece, () => setImmediate(send, n + 1));
      else if (ends) stream.end();
    };
    send(0);
  });
}
