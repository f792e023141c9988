import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type TLSSocket, connect } from "node:tls";
import { digestOf } from "@moult/trust";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestCoordinator } from "../testing/coordinator.ts";
import { until } from "../testing/wait.ts";

const PART_BYTES_MAX = 100_000;
const BYTES = Buffer.from(Array.from({ length: 1000 }, (_, n) => n % 251));
const DIGEST = digestOf(BYTES);

let home: TestCoordinator;
beforeAll(async () => {
  home = await TestCoordinator.start({ config: { artifacts: { part_bytes_max: PART_BYTES_MAX } } });
  await put(DIGEST, BYTES);
});
afterAll(() => home.stop());

function put(digest: string, body: Uint8Array, token = home.clients.operatorToken): Promise<{ status: number }> {
  return home.clients.http("PUT", `/v1/parts/${digest}`, { body, headers: { authorization: `Bearer ${token}` } });
}

function get(range?: string): ReturnType<typeof home.clients.http> {
  const headers: Record<string, string> = range === undefined ? {} : { range };
  return home.clients.http("GET", `/v1/parts/${DIGEST}`, { headers });
}

function onDisk(): readonly string[] {
  return readdirSync(join(home.config.state_dir, "parts")).sort();
}

/** A connection on which a request may be left half said. */
async function dial(): Promise<TLSSocket> {
  const { hostname, port } = new URL(home.running.artifacts);
  const ca = readFileSync(join(home.config.state_dir, "tls", "ca.pem"));
  const socket = connect({ host: hostname, port: Number(port), ca });
  socket.on("error", () => undefined);
  await new Promise<void>((resolve) => socket.once("secureConnect", resolve));
  return socket;
}

test("a part is served whole, and its name is its tag", async () => {
  const answer = await get();
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual(BYTES);
  expect(answer.headers.etag).toBe(`"${DIGEST}"`);
  expect(answer.headers["accept-ranges"]).toBe("bytes");
});

test.each([
  ["bytes=0-9", 0, 10],
  ["bytes=990-", 990, 1000],
  ["bytes=990-5000", 990, 1000],
  ["bytes=-10", 990, 1000],
  ["bytes=-5000", 0, 1000],
  ["bytes=999-999", 999, 1000],
])("Range %s gives that part of it", async (range, start, end) => {
  const answer = await get(range);
  expect(answer.status).toBe(206);
  expect(answer.headers["content-range"]).toBe(`bytes ${start}-${end - 1}/1000`);
  expect(answer.body).toEqual(BYTES.subarray(start, end));
});

test.each(["bytes=9-5", "bytes=0-1,5-6", "lines=1-2", "bytes=-", "bytes=a-b"])(
  "Range %s is not understood and so the part is sent whole",
  async (range) => {
    const answer = await get(range);
    expect([answer.status, answer.body.length]).toEqual([200, 1000]);
  },
);

test.each(["bytes=1000-", "bytes=5000-6000", "bytes=-0"])("Range %s cannot be satisfied", async (range) => {
  const answer = await get(range);
  expect(answer.status).toBe(416);
  expect(answer.headers["content-range"]).toBe("bytes */1000");
});

test("HEAD says how long a part is and sends none of it", async () => {
  const answer = await home.clients.http("HEAD", `/v1/parts/${DIGEST}`);
  expect([answer.status, answer.headers["content-length"], answer.body.length]).toEqual([200, "1000", 0]);
});

test("what is not there, and what is not served, is said plainly", async () => {
  const missing = digestOf(Buffer.from("missing"));
  const { http } = home.clients;
  expect((await http("GET", `/v1/parts/${missing}`)).status).toBe(404);
  expect((await http("GET", `/v1/manifests/${missing}`)).status).toBe(404);
  expect((await http("GET", "/v1/parts/..%2f..%2foperator.token")).status).toBe(404);
  expect((await http("GET", `/v1/parts/${DIGEST.toUpperCase()}`)).status).toBe(404);
  const deletion = await http("DELETE", `/v1/parts/${DIGEST}`);
  expect([deletion.status, deletion.headers.allow]).toEqual([405, "GET, HEAD, PUT"]);
});

test("an upload is taken once, and taken again as the same", async () => {
  const body = Buffer.from("another part");
  expect((await put(digestOf(body), body)).status).toBe(201);
  expect((await put(digestOf(body), body)).status).toBe(200);
  const nothing = new Uint8Array();
  expect((await put(digestOf(nothing), nothing)).status).toBe(201);
  expect((await home.clients.http("GET", `/v1/parts/${digestOf(nothing)}`)).headers["content-length"]).toBe("0");
});

test("bytes of another digest leave nothing behind", async () => {
  const before = onDisk();
  expect((await put(digestOf(Buffer.from("promised")), Buffer.from("delivered"))).status).toBe(422);
  expect(onDisk()).toEqual(before);
});

test("uploads without a releaser's token, too large, or of unknown length are refused", async () => {
  const before = onDisk();
  const body = Buffer.from("part");
  const digest = digestOf(body);
  const { http, viewerToken, operatorToken } = home.clients;
  expect((await http("PUT", `/v1/parts/${digest}`, { body })).status).toBe(401);
  expect((await put(digest, body, "guessed")).status).toBe(401);
  expect((await put(digest, body, viewerToken)).status).toBe(403);
  const large = Buffer.alloc(PART_BYTES_MAX + 1);
  expect((await put(digestOf(large), large)).status).toBe(413);
  const headers = { authorization: `Bearer ${operatorToken}`, "transfer-encoding": "chunked" };
  expect((await http("PUT", `/v1/parts/${digest}`, { headers })).status).toBe(411);
  expect(onDisk()).toEqual(before);
});

test("a stranger who promises a large body is answered, and then not listened to for long", async () => {
  const socket = await dial();
  let said = "";
  let ended = false;
  socket.on("data", (chunk: Buffer) => (said += chunk.toString()));
  socket.on("close", () => (ended = true));
  socket.write(`PUT /v1/parts/${DIGEST} HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n`);
  await until("the refusal", () => said.startsWith("HTTP/1.1 401 ") || undefined);
  await until("the end of the connection", () => ended || undefined);
});

test("what still comes of a body that was refused is thrown away up to a bound, however fast it comes", async () => {
  const socket = await dial();
  socket.resume();
  socket.write(`PUT /v1/parts/${DIGEST} HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000000\r\n\r\n`);
  let sentBytes = 0;
  const piece = Buffer.alloc(4_194_304);
  while (!socket.destroyed && sentBytes < 128 * 1_048_576) {
    sentBytes += piece.length;
    socket.write(piece);
    await until("room to write, or the end", () => socket.destroyed || socket.writableLength === 0 || undefined);
  }
  expect(socket.destroyed).toBe(true);
});

test("an upload that is cut leaves nothing, and is nobody's fault", async () => {
  const before = onDisk();
  const body = Buffer.alloc(50_000, 7);
  const socket = await dial();
  const authorization = `Authorization: Bearer ${home.clients.operatorToken}`;
  socket.write(
    `PUT /v1/parts/${digestOf(body)} HTTP/1.1\r\nHost: x\r\n${authorization}\r\nContent-Length: 50000\r\n\r\n`,
  );
  socket.write(body.subarray(0, 20_000));
  await until("the upload's beginning", () => onDisk().length > before.length || undefined);
  socket.destroy();
  await until("its end", () => onDisk().length === before.length || undefined);
  expect(onDisk()).toEqual(before);
  expect(home.logged.filter((line) => line.level === "error")).toEqual([]);
  expect((await put(digestOf(body), body)).status).toBe(201);
});
