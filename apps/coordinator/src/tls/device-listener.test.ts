import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type Http2ServerOptions, Http2Server } from "@moult/contracts/http2";
import { Health, createHealth } from "@moult/contracts/health";
import { createClient, secureChannel } from "@moult/contracts";
import { type Socket, connect as connectPlain } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, type TLSSocket, connect } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ConnectionTally } from "../artifacts/connections.ts";
import { until } from "../testing/wait.ts";
import { type TlsMaterial, ownTls } from "./certificate.ts";
import { type RunningDeviceListener, startDeviceListener } from "./device-listener.ts";

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const BOUNDS = { connectionsMax: 100, connectionsPerAddressMax: 100 };

let tally: ConnectionTally;

let folder: string;
let tls: TlsMaterial;
let server: Http2Server;
let listening: RunningDeviceListener;
const sockets: Socket[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "moult-listener-"));
  tls = await ownTls(join(folder, "tls"), ["localhost", "127.0.0.1"], Date.now());
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  listening.close();
  await listening.drain(0);
  rmSync(folder, { recursive: true, force: true });
});

async function start(options: Http2ServerOptions = {}): Promise<void> {
  tally = { open: 0, handshakesFailed: 0, refused: { connections_max: 0, connections_per_address_max: 0 } };
  server = new Http2Server({ tls, ...options });
  const health = createHealth([]);
  health.set(true);
  server.bind(
    Health,
    health.implementation,
    () => undefined,
    () => undefined,
  );
  listening = await startDeviceListener(server, { bounds: { ...BOUNDS, tally }, log }, { host: "127.0.0.1", port: 0 });
}

function dial(more: ConnectionOptions = {}): TLSSocket {
  const options = { host: "127.0.0.1", port: listening.port, servername: "localhost", ca: tls.ca };
  const socket = connect({ ALPNProtocols: ["h2"], ...options, ...more });
  socket.on("error", () => undefined);
  sockets.push(socket);
  return socket;
}

async function check(ca: string): Promise<number> {
  const address = `127.0.0.1:${listening.port}`;
  const { credentials, options } = secureChannel(address, ca);
  const client = createClient(Health, address, credentials, options);
  try {
    return (await client.check({}, { timeoutMs: 5_000 })).status;
  } finally {
    client.close();
  }
}

test("who opens a connection and begins no handshake, or half of one, is let go", async () => {
  await start({ handshakeMs: 200 });
  const silent = connectPlain(listening.port, "127.0.0.1");
  const half = connectPlain(listening.port, "127.0.0.1");
  sockets.push(silent, half);
  let closed = 0;
  for (const socket of [silent, half]) {
    socket.on("error", () => undefined).resume();
    socket.on("close", () => (closed += 1));
  }
  // The beginning of a record of TLS: a handshake of 512 bytes.
  half.write(Buffer.from([22, 3, 1, 2, 0, 1]));
  const whole = dial();
  await once(whole, "secureConnect");
  await until("the end of both", () => closed === 2 || undefined);
  expect(whole.destroyed).toBe(false);
  expect(server.connectionCount).toBe(1);
});

test("only HTTP/2 is spoken, over TLS 1.2 at least", async () => {
  await start();
  const outcome = (socket: TLSSocket): Promise<string> =>
    new Promise((resolve) => {
      socket.once("secureConnect", () => socket.once("close", () => resolve("ended")));
      socket.once("error", () => resolve("refused"));
    });
  expect(await outcome(dial({ ALPNProtocols: ["http/1.1"] }))).toBe("refused");
  expect(await outcome(dial({ ALPNProtocols: [] }))).toBe("ended");
  expect(await outcome(dial({ minVersion: "TLSv1.1", maxVersion: "TLSv1.1" }))).toBe("refused");
  const good = dial();
  await once(good, "secureConnect");
  expect(good.alpnProtocol).toBe("h2");
});

test("handshakes that fail are counted, and those that go well are not", async () => {
  await start();
  await once(dial(), "secureConnect");
  const other = dial({ ALPNProtocols: ["http/1.1"] });
  await new Promise((resolve) => other.once("close", resolve));
  const garbage = connectPlain(listening.port, "127.0.0.1");
  sockets.push(garbage);
  garbage.on("error", () => undefined).resume();
  garbage.write("GET / HTTP/1.1\r\n\r\n");
  await until("both failures", () => tally.handshakesFailed >= 2 || undefined);
  expect(tally.handshakesFailed).toBe(2);
});

test("a new certificate is for new connections, and one that does not fit its key changes nothing", async () => {
  await start();
  expect(await check(tls.ca)).toBe(1);
  const other = await ownTls(join(folder, "other"), ["127.0.0.1"], Date.now());
  expect(() => server.setTls({ key: other.key, certificate: tls.certificate })).toThrow();
  expect(await check(tls.ca)).toBe(1);
  server.setTls(other);
  expect(await check(other.ca)).toBe(1);
  await expect(check(tls.ca)).rejects.toThrow();
});

test("the end waits for no handshake", async () => {
  await start();
  const silent = connectPlain(listening.port, "127.0.0.1");
  sockets.push(silent);
  const gone = once(silent, "close");
  await once(silent, "connect");
  silent.on("error", () => undefined).resume();
  // It may not have been taken yet.
  await until("the end of the connection", async () => {
    await listening.drain(20_000);
    return silent.destroyed || undefined;
  });
  await gone;
});
