/** gRPC servers of both kinds on sockets of their own, for tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DescService } from "@bufbuild/protobuf";
import { Server, ServerCredentials, credentials } from "@grpc/grpc-js";
import { Http2Server, type Http2ServerOptions } from "../http2/index.ts";
import { bindService } from "../server.ts";
import type { BindOptions, Implementation, Interceptor, OnDefect } from "../service.ts";

/** Adds a service to the server of the test. */
export type Bind = <S extends DescService, P>(
  service: S,
  implementation: Implementation<S, P>,
  intercept: Interceptor<P>,
  onDefect: OnDefect,
  options?: BindOptions,
) => void;

/** A server that listens. */
export interface TestServer {
  /** For `createClient`. */
  readonly address: string;
  readonly credentials: ReturnType<typeof credentials.createInsecure>;
  /** Takes nothing further and waits until no call is under way. */
  readonly settle: () => Promise<void>;
  readonly stop: () => void;
}

/** What serves: each is to behave as the other does. */
export type Kind = "grpc-js" | "http2";
export const KINDS: readonly Kind[] = ["grpc-js", "http2"];

/** Starts a server to which `add` has added its services. */
export function startTestServer(add: (bind: Bind) => void, kind: Kind = "grpc-js"): Promise<TestServer> {
  return kind === "grpc-js" ? startGrpcJs(add) : startHttp2(add);
}

async function startGrpcJs(add: (bind: Bind) => void): Promise<TestServer> {
  const { folder, address } = makeSocket();
  const server = new Server();
  add((...service) => bindService(server, ...service));
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve()));
  });
  return {
    address,
    credentials: credentials.createInsecure(),
    settle: () => new Promise((resolve) => server.tryShutdown(() => resolve())),
    stop: () => {
      server.forceShutdown();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A test server whose HTTP/2 a test may look at. */
export interface TestHttp2Server extends TestServer {
  readonly server: Http2Server;
}

/** Starts a server on HTTP/2 itself. */
export async function startHttp2(
  add: (bind: Bind) => void,
  options: Http2ServerOptions = {},
): Promise<TestHttp2Server> {
  const { folder, address } = makeSocket();
  const server = new Http2Server(options);
  add((...service) => server.bind(...service));
  const listener = createServer((socket) => server.accept(socket));
  await new Promise<void>((resolve) => listener.listen(address.slice("unix:".length), resolve));
  return {
    server,
    address,
    credentials: credentials.createInsecure(),
    settle: () => server.drain(10_000),
    stop: () => {
      listener.close();
      void server.drain(0);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function makeSocket(): { readonly folder: string; readonly address: string } {
  const folder = mkdtempSync(join(tmpdir(), "moult-contracts-"));
  return { folder, address: `unix:${join(folder, "socket")}` };
}

/** Resolves when `look` finds something; fails after a deadline and says what was waited for. */
export async function until<T>(what: string, look: () => T | undefined): Promise<T> {
  const endMs = Date.now() + 10_000;
  while (Date.now() < endMs) {
    const found = look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`not within 10 s: ${what}`);
}
