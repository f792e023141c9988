/** A source of builds over real HTTPS, which can be made to misbehave. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { TestCertificate } from "./certificate.ts";
import type { AtEnd } from "./folders.ts";
import type { TestBuild } from "./test-build.ts";

/** One request for something the source has. */
export interface Wanted {
  readonly kind: "manifests" | "parts";
  readonly digest: string;
  readonly body: Uint8Array;
  /** Where in `body` the client wants to go on. */
  readonly fromByte: number;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** A source, and what was asked of it. */
export interface ArtifactServer {
  readonly url: string;
  /** Digests of parts that were asked for, in their order. */
  readonly parts: string[];
  /** Everything that was asked for, in its order, as in `manifests/{digest}`. */
  readonly asked: string[];
  readonly builds: TestBuild[];
  /** Answers in place of the source; false leaves the answer to it. */
  misbehave: ((wanted: Wanted) => boolean) | undefined;
}

/** Serves whatever builds are in `builds`. */
export async function serveArtifacts(
  certificate: TestCertificate,
  atEnd: AtEnd = onTestFinished,
): Promise<ArtifactServer> {
  const server = createServer(certificate, (request, response) => {
    const [, kind, digest = ""] = /^\/v1\/(manifests|parts)\/([0-9a-f]{64})$/.exec(request.url ?? "") ?? [];
    if (kind !== "manifests" && kind !== "parts") return void response.writeHead(404).end();
    source.asked.push(`${kind}/${digest}`);
    if (kind === "parts") source.parts.push(digest);
    const bodies = source.builds.map((build) =>
      kind === "parts" ? build.parts.get(digest) : build.digest === digest ? build.envelope : undefined,
    );
    const body = bodies.find((candidate) => candidate !== undefined);
    if (body === undefined) return void response.writeHead(404).end();
    const fromByte = Number(/^bytes=([0-9]+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const wanted: Wanted = { kind, digest, body, fromByte, request, response };
    return source.misbehave?.(wanted) === true ? undefined : serveHonestly(wanted);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const source: ArtifactServer = { url, parts: [], asked: [], builds: [], misbehave: undefined };
  return source;
}

/** Sends the head of an honest answer. */
export function writeHonestHead({ body, fromByte, response }: Wanted): void {
  const range = { "content-range": `bytes ${fromByte}-${body.length - 1}/${body.length}` };
  response.writeHead(fromByte > 0 ? 206 : 200, {
    "content-length": body.length - fromByte,
    ...(fromByte > 0 && range),
  });
}

function serveHonestly(wanted: Wanted): void {
  writeHonestHead(wanted);
  wanted.response.end(wanted.body.subarray(wanted.fromByte));
}
