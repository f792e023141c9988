/** A source of builds over real HTTPS. */
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { TestCertificate } from "./certificate.ts";
import type { SignedBuild } from "./signed-build.ts";

/** A source, and what was asked of it. */
export interface ArtifactServer {
  readonly url: string;
  /** Digests of parts that were fetched. */
  readonly parts: string[];
  readonly builds: SignedBuild[];
}

/** Serves whatever builds are in `builds`. */
export async function serveArtifacts(certificate: TestCertificate): Promise<ArtifactServer> {
  const parts: string[] = [];
  const builds: SignedBuild[] = [];
  const server = createServer(certificate, (request, response) => {
    const [, kind, digest = ""] = /^\/v1\/(manifests|parts)\/([0-9a-f]{64})$/.exec(request.url ?? "") ?? [];
    const bodies = builds.map((build) =>
      kind === "parts" ? build.parts.get(digest) : build.digest === digest ? build.envelope : undefined,
    );
    const body = bodies.find((candidate) => candidate !== undefined);
    if (kind === "parts") parts.push(digest);
    if (body === undefined) response.writeHead(404).end();
    else response.writeHead(200, { "content-length": body.length }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, parts, builds };
}
