/** An artifact endpoint for tests: keeps parts in memory, checks them, and can be told to misbehave. */
import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TestCertificate } from "./certificate.ts";

/** A running one. */
export interface TestArtifacts {
  readonly url: string;
  readonly parts: Map<string, Buffer>;
  /** Deltas and packed parts, by what stands behind `/v1/`. */
  readonly deltas: Map<string, Buffer>;
  /** `PUT {digest}` and `HEAD {digest}`, in their order. */
  readonly requests: string[];
  /** What it does instead of its work; none for its work. */
  misbehaviour: "none" | "refuse" | "fail" | "cut" | "no-head";
  readonly stop: () => Promise<void>;
}

/** Starts one on a free port. */
export async function startArtifacts(tls: TestCertificate, token: string): Promise<TestArtifacts> {
  const server = createServer({ cert: tls.certificate, key: tls.key }, (request, response) => {
    void serve(endpoint, token, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoint: TestArtifacts = {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    parts: new Map(),
    deltas: new Map(),
    requests: [],
    misbehaviour: "none",
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return endpoint;
}

async function serve(
  endpoint: TestArtifacts,
  token: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [, name, digest] =
    /^\/v1\/((?:packed|deltas)\/[0-9a-f-]{64,129}|parts\/([0-9a-f]{64}))$/.exec(request.url ?? "") ?? [];
  const answer = (code: number, text = ""): void => void response.writeHead(code).end(text);
  if (request.headers.authorization !== `Bearer ${token}`) return answer(401, "no such operator");
  if (name === undefined) return answer(404);
  endpoint.requests.push(`${request.method} ${digest ?? name}`);
  if (request.method === "HEAD") {
    return answer(
      endpoint.misbehaviour === "no-head"
        ? 405
        : endpoint.parts.has(digest ?? "") || endpoint.deltas.has(name)
          ? 200
          : 404,
    );
  }
  switch (endpoint.misbehaviour) {
    case "refuse":
      return answer(413, "larger than part_bytes_max\u001B[2J");
    case "fail":
      return answer(503, "disk is full");
    case "cut":
      request.socket.destroy();
      return undefined;
    case "none":
    case "no-head":
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  if (digest === undefined) {
    endpoint.deltas.set(name, bytes);
    return answer(201);
  }
  if (createHash("sha256").update(bytes).digest("hex") !== digest) return answer(422, "not what its digest says");
  endpoint.parts.set(digest, bytes);
  return answer(201);
}
