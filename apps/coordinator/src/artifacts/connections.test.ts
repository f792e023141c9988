/** The endpoint's bounds, met by clients that stand still, drip and come in numbers. */
import { readFileSync } from "node:fs";
import { type Socket, connect as connectPlain } from "node:net";
import { join } from "node:path";
import { type TLSSocket, connect } from "node:tls";
import { digestOf } from "@moult/trust";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TestCoordinator } from "../testing/coordinator.ts";
import { until } from "../testing/wait.ts";

const IDLE_MS = 400;
/** More than all the buffers between a file and a client that does not read. */
const LARGE = Buffer.alloc(32 * 1024 * 1024, 7);
const REQUEST = `GET /v1/parts/${digestOf(LARGE)} HTTP/1.1\r\nHost: x\r\n\r\n`;

let home: TestCoordinator;
const sockets: Socket[] = [];

beforeEach(async () => {
  const artifacts = { idle_timeout_ms: IDLE_MS, connections_max: 6, connections_per_address_max: 4 };
  home = await TestCoordinator.start({ config: { artifacts } });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await home.stop();
});

interface Dialled {
  readonly socket: TLSSocket;
  readonly isClosed: () => boolean;
}

/** A connection; `localAddress` is any of 127/8. */
async function dial(localAddress = "127.0.0.1"): Promise<Dialled> {
  const { hostname, port } = new URL(home.running.artifacts);
  const ca = readFileSync(join(home.config.state_dir, "tls", "ca.pem"));
  const raw = connectPlain({ host: hostname, port: Number(port), localAddress });
  const socket = connect({ socket: raw, ca, servername: "localhost" });
  sockets.push(raw, socket);
  let closed = false;
  for (const end of [raw, socket]) {
    end.on("error", () => undefined);
    end.on("close", () => (closed = true));
  }
  await until("the handshake or the refusal", () => closed || socket.getCipher() !== undefined || undefined);
  return { socket, isClosed: () => closed };
}

async function upload(): Promise<void> {
  const headers = { authorization: `Bearer ${home.clients.operatorToken}` };
  const answer = await home.clients.http("PUT", `/v1/parts/${digestOf(LARGE)}`, { body: LARGE, headers });
  expect(answer.status).toBe(201);
}

test("a download that stands still is ended, and one that moves is not", async () => {
  await upload();
  const still = await dial();
  still.socket.pause();
  still.socket.write(REQUEST);
  const moves = await dial();
  let takenBytes = 0;
  moves.socket.write(REQUEST);
  // Slowly, over several windows, and yet more than the least.
  const reader = setInterval(() => {
    const piece = moves.socket.read() as Buffer | null;
    takenBytes += piece?.length ?? 0;
  }, IDLE_MS / 8);
  moves.socket.on("readable", () => undefined);
  const beganMs = performance.now();
  await until("four windows", () => performance.now() - beganMs > 4 * IDLE_MS || undefined);
  clearInterval(reader);
  expect(moves.isClosed()).toBe(false);
  expect(takenBytes).toBeGreaterThan(0);
  // Who does not read does not see its end either; what it finds when it reads at last is a beginning and no more.
  let leftBytes = 0;
  still.socket.on("data", (piece: Buffer) => (leftBytes += piece.length));
  still.socket.resume();
  await until("the end of the one that stood still", () => still.isClosed() || undefined);
  expect(leftBytes).toBeLessThan(LARGE.length);
});

test("a request that drips, and an upload that stands still, are ended", async () => {
  const drips = await dial();
  const drip = setInterval(() => drips.socket.write("G"), IDLE_MS / 8);
  const upload = await dial();
  const authorization = `Authorization: Bearer ${home.clients.operatorToken}`;
  upload.socket.write(
    `PUT /v1/parts/${"1".repeat(64)} HTTP/1.1\r\nHost: x\r\n${authorization}\r\nContent-Length: 5000\r\n\r\nbegun`,
  );
  await until("the end of both", () => (drips.isClosed() && upload.isClosed()) || undefined);
  clearInterval(drip);
});

test("there are at most so many connections of one address, and at all; ended ones make room", async () => {
  const first = await Promise.all(Array.from({ length: 4 }, () => dial()));
  expect(first.map(({ isClosed }) => isClosed())).toEqual([false, false, false, false]);
  const fifth = await dial();
  await until("the refusal of the fifth of one address", () => fifth.isClosed() || undefined);
  const others = await Promise.all([dial("127.0.0.2"), dial("127.0.0.3")]);
  expect(others.map(({ isClosed }) => isClosed())).toEqual([false, false]);
  const seventh = await dial("127.0.0.4");
  await until("the refusal of the seventh at all", () => seventh.isClosed() || undefined);
  await until(
    "the end of all that stand still",
    () => [...first, ...others].every(({ isClosed }) => isClosed()) || undefined,
  );
  expect((await dial()).isClosed()).toBe(false);
});
