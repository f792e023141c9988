/** The mirrors, in memory: one that gives right lengths and wrong bytes, and one that is honest but cut off now and then. */
import { type Answer, type Fetcher, SourceError } from "@moult/agent/inside";
import { BUILDS } from "../builds.ts";

/** Pieces in which a body comes. */
const PIECES = 2;

/** Hands out what was asked for. `onAsk` hears each path. */
export function createMirrors(onAsk: (path: string) => void): Fetcher {
  return {
    async get(url, offsetBytes) {
      const { host, pathname } = new URL(url);
      onAsk(pathname);
      const [, , kind = "", digest = ""] = pathname.split("/");
      const body = bodyOf(kind, digest);
      if (body === undefined) throw new SourceError("UNREACHABLE", `nobody has ${pathname}`);
      const lies = host === "liar.example" && kind === "parts" && isAgent(digest);
      const given = lies ? body.map((byte) => byte ^ 1) : body;
      return answer(given, offsetBytes);
    },
  };
}

function answer(body: Uint8Array, offsetBytes: number): Answer {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    const size = Math.ceil(body.length / PIECES);
    for (let at = offsetBytes; at < body.length; at += size) yield body.subarray(at, at + size);
  }
  return { status: offsetBytes > 0 ? 206 : 200, offsetBytes, totalBytes: body.length, pieces: pieces() };
}

function bodyOf(kind: string, digest: string): Uint8Array | undefined {
  if (kind === "manifests") return BUILDS.find((build) => build.digest === digest)?.envelope;
  return BUILDS.find((build) => build.parts.has(digest))?.parts.get(digest);
}

function isAgent(digest: string): boolean {
  return BUILDS.some(({ manifest }) =>
    manifest.parts.some((part) => part.digest === digest && part.path === manifest.agent),
  );
}
