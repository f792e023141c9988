/** Real handshakes with servers that are, and are not, who they should be, at a wall clock and a floor that disagree. */
import { X509Certificate, createHash } from "node:crypto";
import { type AddressInfo, connect } from "node:net";
import { type TlsOptions, createServer } from "node:tls";
import { once } from "node:events";
import { describe, expect, it, onTestFinished } from "vitest";
import { type CertificateWishes, type TestCertificate, makeCertificate } from "../../testing/certificate.ts";
import { PeerError } from "./judge-peer.ts";
import { secure, trustPeers } from "./peer-trust.ts";

const DAY_MS = 86_400_000;
const NOW_MS = Date.now();
const authority = makeCertificate({ commonName: "authority", untilMs: NOW_MS + 1_000 * DAY_MS });
const issued = (wishes: CertificateWishes = {}): TestCertificate => makeCertificate({ issuer: authority, ...wishes });

/** Dates of a certificate that a wall clock which is behind by ten years would not have yet, and so on. */
const AHEAD = { fromMs: NOW_MS + 10 * DAY_MS, untilMs: NOW_MS + 400 * DAY_MS };
const BEHIND = { fromMs: NOW_MS - 400 * DAY_MS, untilMs: NOW_MS - 10 * DAY_MS };

async function serve(options: TlsOptions): Promise<{ port: number; received: () => number }> {
  let receivedBytes = 0;
  const server = createServer(options, (socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => (receivedBytes += bytes.length));
  });
  server.on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, received: () => receivedBytes };
}

/** "accepted", or the code of the refusal. */
async function verdict(
  server: TestCertificate,
  wishes: { floorMs?: number; host?: string; ca?: string; sent?: string; pins?: readonly string[] } = {},
): Promise<string> {
  const { port } = await serve({ cert: server.cert + (wishes.sent ?? ""), key: server.key });
  const trust = trustPeers(
    wishes.ca ?? authority.cert,
    () => wishes.floorMs ?? NOW_MS,
    () => wishes.pins ?? [],
  );
  try {
    const socket = await secure(connect(port, "127.0.0.1"), trust, { host: wishes.host ?? "127.0.0.1" });
    socket.destroy();
    return "accepted";
  } catch (error) {
    if (error instanceof PeerError) return error.code;
    throw error;
  }
}

describe("a server is taken", () => {
  it("where the authority signed its certificate for this name", async () => {
    expect(await verdict(issued())).toBe("accepted");
    expect(await verdict(issued({ dnsNames: ["box.test"], addresses: [] }), { host: "box.test" })).toBe("accepted");
    expect(await verdict(authority)).toBe("accepted");
  });

  it("by the floor where the wall clock thinks that it has ended, or has not begun", async () => {
    expect(await verdict(issued(AHEAD), { floorMs: NOW_MS + 20 * DAY_MS })).toBe("accepted");
    expect(await verdict(issued(BEHIND), { floorMs: NOW_MS - 20 * DAY_MS })).toBe("accepted");
    const old = makeCertificate({ commonName: "old", ...BEHIND });
    const server = makeCertificate({ issuer: old, ...BEHIND });
    expect(await verdict(server, { ca: old.cert, floorMs: NOW_MS - 20 * DAY_MS })).toBe("accepted");
  });

  it("where it began after the floor: the floor is no clock, only a bound", async () => {
    expect(await verdict(issued(), { floorMs: 0 })).toBe("accepted");
    expect(await verdict(issued(AHEAD), { floorMs: 0 })).toBe("accepted");
  });

  it("through an intermediate authority, as long as OpenSSL itself is content", async () => {
    const between = issued({ commonName: "between", authority: true });
    expect(await verdict(makeCertificate({ issuer: between }), { sent: between.cert })).toBe("accepted");
  });
});

describe("a server is refused, whatever the wall clock says,", () => {
  const other = makeCertificate({ commonName: "authority" });

  it("where another authority signed it, also one of the same name", async () => {
    for (const dates of [{}, AHEAD, BEHIND]) {
      const floorMs = NOW_MS - 20 * DAY_MS;
      expect(await verdict(makeCertificate({ issuer: other, ...dates }), { floorMs })).toBe("NOT_TRUSTED");
      expect(await verdict(makeCertificate({ ...dates }), { floorMs })).toBe("NOT_TRUSTED");
    }
  });

  it("where it is for somebody else", async () => {
    for (const dates of [{}, AHEAD, BEHIND]) {
      const floorMs = NOW_MS - 20 * DAY_MS;
      expect(await verdict(issued({ addresses: [[10, 0, 0, 1]], ...dates }), { floorMs })).toBe("OTHER_NAME");
      expect(await verdict(issued(dates), { floorMs, host: "box.test" })).toBe("OTHER_NAME");
    }
  });

  it("where the floor is past its end, or past the authority's", async () => {
    expect(await verdict(issued(), { floorMs: NOW_MS + 2 * DAY_MS })).toBe("EXPIRED");
    expect(await verdict(issued(BEHIND), { floorMs: NOW_MS })).toBe("EXPIRED");
    expect(await verdict(issued({ ...AHEAD }), { floorMs: NOW_MS + 500 * DAY_MS })).toBe("EXPIRED");
    const short = makeCertificate({ commonName: "short" });
    const long = makeCertificate({ issuer: short, untilMs: NOW_MS + 900 * DAY_MS });
    expect(await verdict(long, { ca: short.cert, floorMs: NOW_MS + 2 * DAY_MS })).toBe("EXPIRED");
    expect(await verdict(long, { ca: short.cert })).toBe("accepted");
  });

  it("where its certificate is not for servers", async () => {
    const client = "2b06010505070302";
    const server = "2b06010505070301";
    expect(await verdict(issued({ usages: [client], ...AHEAD }))).toBe("NOT_FOR_SERVERS");
    expect(await verdict(issued({ usages: [client, server], ...AHEAD }))).toBe("accepted");
  });

  it("where one that may not sign has signed it", async () => {
    const leaf = issued({ commonName: "leaf" });
    for (const dates of [{}, AHEAD, BEHIND]) {
      const forged = makeCertificate({ issuer: leaf, ...dates });
      expect(await verdict(forged, { sent: leaf.cert, floorMs: NOW_MS - 20 * DAY_MS })).toBe("NOT_TRUSTED");
    }
  });

  it("where what was pinned may not sign", async () => {
    const leaf = issued({ commonName: "leaf" });
    for (const dates of [{}, AHEAD]) {
      expect(await verdict(makeCertificate({ issuer: leaf, ...dates }), { ca: leaf.cert })).toBe("NOT_TRUSTED");
    }
  });

  it("where OpenSSL objects to something that is not looked at here", async () => {
    expect(await verdict(issued({ oddity: true }))).toBe("NOT_TRUSTED");
  });

  it("where only OpenSSL could judge the chain, and it objects to dates", async () => {
    const between = issued({ commonName: "between", authority: true, ...BEHIND });
    const through = makeCertificate({ issuer: between, ...BEHIND });
    expect(await verdict(through, { sent: between.cert, floorMs: NOW_MS - 20 * DAY_MS })).toBe("NOT_TRUSTED");
    const constrained = makeCertificate({ commonName: "constrained", constrained: true, addresses: [] });
    const server = makeCertificate({ issuer: constrained, ...AHEAD });
    expect(await verdict(server, { ca: constrained.cert })).toBe("NOT_TRUSTED");
  });
});

describe("where the root names servers' keys", () => {
  /** SHA-256 of the key by OpenSSL's own export. */
  const pinOf = ({ cert }: TestCertificate): string =>
    createHash("sha256")
      .update(new X509Certificate(cert).publicKey.export({ type: "spki", format: "der" }))
      .digest("hex");

  it("a server must have one of them, active or spare, whatever else speaks for it", async () => {
    const [active, spare, other] = [issued(), issued(), issued()];
    const pins = [pinOf(active), pinOf(spare)];
    expect(await verdict(active, { pins })).toBe("accepted");
    expect(await verdict(spare, { pins })).toBe("accepted");
    expect(await verdict(other, { pins })).toBe("NOT_PINNED");
    expect(await verdict(other, { pins: [pinOf(authority)] })).toBe("NOT_PINNED");
    expect(await verdict(other)).toBe("accepted");
  });

  it("a key alone is not enough: the authority, the name and the dates count as before", async () => {
    const stranger = makeCertificate({ commonName: "stranger" });
    expect(await verdict(stranger, { pins: [pinOf(stranger)] })).toBe("NOT_TRUSTED");
    const elsewhere = issued({ addresses: [[10, 0, 0, 1]] });
    expect(await verdict(elsewhere, { pins: [pinOf(elsewhere)] })).toBe("OTHER_NAME");
    const ended = issued(BEHIND);
    expect(await verdict(ended, { pins: [pinOf(ended)] })).toBe("EXPIRED");
  });
});

describe("a refused server", () => {
  it("has received nothing", async () => {
    const stranger = makeCertificate({ commonName: "stranger" });
    const { port, received } = await serve({ cert: stranger.cert, key: stranger.key });
    const trust = trustPeers(authority.cert, () => NOW_MS);
    const socket = connect(port, "127.0.0.1");
    await expect(secure(socket, trust, { host: "127.0.0.1" })).rejects.toBeInstanceOf(PeerError);
    if (!socket.closed) await once(socket, "close");
    expect(received()).toBe(0);
  });

  it("that says nothing at all is left when the caller gives up", async () => {
    const server = (await import("node:net")).createServer(() => undefined);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const trust = trustPeers(authority.cert, () => NOW_MS);
    const giveUp = new AbortController();
    const waiting = secure(socket, trust, { host: "127.0.0.1", signal: giveUp.signal });
    giveUp.abort();
    await expect(waiting).rejects.toThrow("given up");
    expect(socket.destroyed).toBe(true);
  });
});
