/** A gRPC server on a socket of its own, for tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, ServerCredentials, credentials } from "@grpc/grpc-js";

/** A server that listens. */
export interface TestServer {
  readonly server: Server;
  /** For `createClient`. */
  readonly address: string;
  readonly credentials: ReturnType<typeof credentials.createInsecure>;
  readonly stop: () => void;
}

/** Starts a server to which `bind` has added its services. */
export async function startTestServer(bind: (server: Server) => void): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), "moult-contracts-"));
  const address = `unix:${join(folder, "socket")}`;
  const server = new Server();
  bind(server);
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve()));
  });
  return {
    server,
    address,
    credentials: credentials.createInsecure(),
    stop: () => {
      server.forceShutdown();
      rmSync(folder, { recursive: true, force: true });
    },
  };
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
