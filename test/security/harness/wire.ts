/** Bytes of the attacker's own choosing, put on a coordinator's sockets. */
import { type Socket, connect as connectPlain } from "node:net";
import { type TLSSocket, connect } from "node:tls";
import { Client, Metadata, compressionAlgorithms } from "@grpc/grpc-js";
import { secureChannel } from "@moult/contracts";
import { refusalOf } from "../../../apps/coordinator/src/testing/refusal.ts";
import { until } from "../../../apps/coordinator/src/testing/wait.ts";
import type { Fort } from "./fort.ts";

const DEADLINE_MS = 20_000;

/** A unary call with raw bytes. */
export interface RawCall {
  /** As in `/moult.v1.AgentService/Ask`. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly bearer?: string;
  /** Compresses the message. */
  readonly gzip?: boolean;
  /** More metadata. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** `CODE REASON` of the refusal, or the bytes of the answer. */
export async function rawCall(fort: Fort, call: RawCall): Promise<string | Uint8Array> {
  const { grpc } = fort.endpoints;
  const channel = secureChannel(grpc, fort.ca);
  const client = new Client(grpc, channel.credentials, {
    ...channel.options,
    ...(call.gzip === true && { "grpc.default_compression_algorithm": compressionAlgorithms.gzip }),
  });
  const metadata = new Metadata();
  if (call.bearer !== undefined) metadata.set("authorization", `Bearer ${call.bearer}`);
  for (const [name, value] of Object.entries(call.headers ?? {})) metadata.set(name, value);
  const same = (body: Uint8Array): Buffer => Buffer.from(body);
  try {
    return await new Promise((resolve) => {
      const options = { deadline: Date.now() + DEADLINE_MS };
      client.makeUnaryRequest(call.path, same, same, call.bytes, metadata, options, (error, answer) => {
        if (error === null) return resolve(answer ?? new Uint8Array());
        const { code, reason } = refusalOf(error);
        resolve(`${code} ${reason}`);
      });
    });
  } finally {
    client.close();
  }
}

/** A connection that may be told anything. */
export class RawSocket {
  readonly socket: Socket;
  #closed = false;
  readonly #received: Buffer[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => undefined);
    socket.on("close", () => (this.#closed = true));
    socket.on("data", (data: Buffer) => void this.#received.push(data));
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  get received(): string {
    return Buffer.concat(this.#received).toString("latin1");
  }

  /** Waits until more can be written, or the connection has ended. */
  async drained(): Promise<void> {
    await until("room to write, or the end", () => this.#closed || this.socket.writableLength === 0 || undefined);
  }

  /** Waits for the server's end of it. Throws where it does not come. */
  ends(what: string): Promise<true> {
    return until(what, () => this.#closed || undefined);
  }
}

/** Where a connection comes from: any of 127/8, so that one machine can be many. */
export interface From {
  readonly localAddress?: string;
  /** Says that it speaks HTTP/2, as gRPC's server wants to hear. */
  readonly http2?: boolean;
}

/** A TLS connection to `host:port`, or one that the server ended before its handshake was over. */
export async function dialTls(
  fort: Fort,
  address: string,
  { localAddress = "127.0.0.1", http2 = false }: From = {},
): Promise<RawSocket> {
  const { host, port } = hostPort(address);
  const ALPNProtocols = http2 ? ["h2"] : ["http/1.1"];
  const raw = connectPlain({ host, port, localAddress });
  const secure: TLSSocket = connect({ socket: raw, ca: fort.ca, servername: "localhost", ALPNProtocols });
  raw.on("error", () => undefined);
  const dialled = new RawSocket(secure);
  raw.on("close", () => secure.destroy());
  await until("the handshake or the refusal", () => dialled.isClosed || secure.getCipher() !== undefined || undefined);
  return dialled;
}

/** A TCP connection that says nothing. */
export async function dialPlain(address: string, { localAddress = "127.0.0.1" }: From = {}): Promise<RawSocket> {
  const { host, port } = hostPort(address);
  const dialled = new RawSocket(connectPlain({ host, port, localAddress }));
  await until("the connection or the refusal", () => dialled.isClosed || !dialled.socket.connecting || undefined);
  return dialled;
}

/** The authority of a URL, or the address itself. */
function hostPort(address: string): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(address.includes("://") ? address : `tcp://${address}`);
  return { host: hostname, port: Number(port) };
}

/** The head of the answer to a raw HTTP request, and what came of its body; ends with the connection. */
export async function rawHttp(fort: Fort, request: string): Promise<string> {
  const dialled = await dialTls(fort, fort.endpoints.artifacts);
  dialled.socket.write(request);
  await until("an answer", () => dialled.isClosed || dialled.received.includes("\r\n\r\n") || undefined);
  dialled.socket.end();
  await dialled.ends("the end of the connection");
  return dialled.received;
}
