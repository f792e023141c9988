/** Connections: floods, silence, slow readers, and the end of a server. */
import { type ClientHttp2Session, type ClientHttp2Stream, constants } from "node:http2";
import { type Socket, connect } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { afterEach, expect, test } from "vitest";
import {
  HealthCheckRequestSchema,
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../gen/grpc/health/v1/health_pb.js";
import { Health } from "../health.ts";
import { type RawAnswer, rawCall, rawConnect } from "../testing/raw-call.ts";
import { type TestHttp2Server, startHttp2, until } from "../testing/server.ts";
import { frameOf } from "./framing.ts";
import { Http2Server, type Http2ServerOptions } from "./server.ts";

const CHECK = "/grpc.health.v1.Health/Check";
const WATCH = "/grpc.health.v1.Health/Watch";
const HEADERS = { ":method": "POST", "content-type": "application/grpc" };
const REQUEST = frameOf(toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service: "a" })));

let served: TestHttp2Server | undefined;
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
  served?.stop();
  served = undefined;
});

/** A server whose calls wait for `release`, and whose streams send for ever. */
async function start(options: Http2ServerOptions = {}): Promise<{
  readonly address: string;
  readonly release: () => void;
  readonly made: { calls: number; answers: number };
}> {
  const made = { calls: 0, answers: 0 };
  const gate = Promise.withResolvers<void>();
  served = await startHttp2(
    (bind) =>
      bind(
        Health,
        {
          async check() {
            made.calls += 1;
            await gate.promise;
            return create(HealthCheckResponseSchema, { status: ServingStatus.SERVING });
          },
          async *watch(): AsyncGenerator<HealthCheckResponse> {
            const padding = { typeName: "x", no: 99, wireType: WireType.LengthDelimited, data: new Uint8Array(0) };
            for (;;) {
              made.answers += 1;
              const answer = create(HealthCheckResponseSchema, { status: ServingStatus.SERVING });
              // Padded to 1,000 bytes by a field that nobody knows.
              answer.$unknown = [{ ...padding, data: Buffer.concat([Buffer.from([0xe5, 7]), Buffer.alloc(997)]) }];
              yield answer;
            }
          },
        },
        () => undefined,
        () => undefined,
      ),
    options,
  );
  return { address: served.address, release: gate.resolve, made };
}

async function dial(address: string, initialWindowSize = 65_535): Promise<ClientHttp2Session> {
  const session = await rawConnect(address, { settings: { initialWindowSize } });
  ends.push(() => session.destroy());
  return session;
}

function call(session: ClientHttp2Session, path = CHECK): ClientHttp2Stream {
  const stream = session.request({ ...HEADERS, ":path": path });
  stream.on("error", () => undefined);
  stream.end(REQUEST);
  return stream;
}

const closed = (session: ClientHttp2Session): Promise<true> => until("the end", () => session.destroyed || undefined);

/** A frame of HTTP/2. */
function frame(type: number, payload: Buffer = Buffer.alloc(0), stream = 0, flags = 0): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.set([type, flags], 3);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A connection that has said that it speaks HTTP/2, and answers nothing. */
async function mute(address: string): Promise<{ readonly socket: Socket; readonly isClosed: () => boolean }> {
  const socket = connect(address.slice("unix:".length));
  let isClosed = false;
  socket.on("error", () => undefined);
  socket.on("close", () => (isClosed = true));
  socket.resume();
  ends.push(() => socket.destroy());
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  socket.write(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(4)]));
  return { socket, isClosed: () => isClosed };
}

test("a connection that answers no ping is ended, one that does is not", async () => {
  const { address } = await start({ keepaliveMs: 30, keepaliveTimeoutMs: 60 });
  const [silent, session] = [await mute(address), await dial(address)];
  let pings = 0;
  session.on("ping", () => (pings += 1));
  await until("the end of who is silent", () => silent.isClosed() || undefined);
  await until("a second ping", () => pings >= 2 || undefined);
  expect(session.destroyed).toBe(false);
  expect(served?.server.connectionCount).toBe(1);
});

test("calls that are made and reset without end end the connection, and few of them reach a handler", async () => {
  const { address, made } = await start();
  const session = await dial(address);
  for (let n = 0; n < 3_000 && !session.destroyed; n += 1) {
    call(session).close(constants.NGHTTP2_CANCEL);
    if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await closed(session);
  expect(made.calls).toBeLessThan(500);
  // A hundred that are reset at once are no flood.
  const honest = await dial(address);
  const calls = Array.from({ length: 100 }, () => call(honest));
  await until("the calls", () => made.calls >= 100 || undefined);
  for (const each of calls) each.close(constants.NGHTTP2_CANCEL);
  await new Promise<void>((resolve) => honest.ping(() => resolve()));
  expect(honest.destroyed).toBe(false);
});

test("calls that are reset in the breath in which they are made take nobody with them", async () => {
  const { address, release } = await start();
  const { socket } = await mute(address);
  // POST, http and / from the static table of RFC 7541, with END_HEADERS; then a reset with CANCEL.
  const made = (stream: number): Buffer => frame(1, Buffer.from([0x83, 0x86, 0x84]), stream, 4);
  const reset = (stream: number): Buffer => frame(3, Buffer.from([0, 0, 0, 8]), stream);
  socket.write(Buffer.concat([1, 3, 5, 7].flatMap((stream) => [made(stream), reset(stream)])));
  const session = await dial(address);
  release();
  expect((await rawCall(session, { path: CHECK, pieces: [REQUEST] })).grpcStatus).toBe("0");
});

test.each([
  ["pings", frame(6, Buffer.alloc(8))],
  ["settings", frame(4)],
])("a flood of %s ends the connection", async (_, one) => {
  const { address } = await start();
  const { socket, isClosed } = await mute(address);
  const many = Buffer.concat(Array.from({ length: 200 }, () => one));
  for (let n = 0; n < 50 && !isClosed(); n += 1) {
    socket.write(many);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until("the end", () => isClosed() || undefined);
});

test("a connection has so many calls under way and no more", async () => {
  const { address, made, release } = await start({ streamsMax: 5 });
  const session = await dial(address);
  expect(session.remoteSettings.maxConcurrentStreams).toBe(5);
  const answers = Array.from({ length: 8 }, () => rawCall(session, { path: CHECK, pieces: [REQUEST] }));
  await until("five calls", () => made.calls === 5 || undefined);
  await new Promise<void>((resolve) => session.ping(() => resolve()));
  expect(made.calls).toBe(5);
  release();
  expect((await Promise.all(answers)).map(({ grpcStatus }) => grpcStatus)).toEqual(Array(8).fill("0"));
});

test("headers without end are refused, and the connection lives on", async () => {
  const { address, release, made } = await start();
  const session = await dial(address);
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`x-${n}`, "1"]));
  for (const headers of [{ "x-long": "x".repeat(20_000) }, many]) {
    const answer = await rawCall(session, { path: CHECK, headers, pieces: [REQUEST] });
    expect([answer.grpcStatus, answer.rstCode]).toEqual([undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM]);
  }
  expect(made.calls).toBe(0);
  release();
  expect((await rawCall(session, { path: CHECK, pieces: [REQUEST] })).grpcStatus).toBe("0");
});

test("who reads nothing of a stream holds it up, and little of it waits in memory", async () => {
  const { address, made } = await start();
  const session = await dial(address, 0);
  const streams = Array.from({ length: 20 }, () => call(session, WATCH));
  await until("the first answers", () => made.answers >= 20 || undefined);
  let before = -1;
  await until("a standstill", () => {
    const stands = made.answers === before;
    before = made.answers;
    return stands || undefined;
  });
  await new Promise<void>((resolve) => session.ping(() => resolve()));
  expect(made.answers / streams.length).toBeLessThan(200);
});

test("a server that ends says so, lets calls end and takes no others", async () => {
  const { address, made, release } = await start();
  const session = await dial(address);
  const told = new Promise<number>((resolve) => session.once("goaway", resolve));
  const answer = rawCall(session, { path: CHECK, pieces: [REQUEST] });
  await until("the call", () => made.calls === 1 || undefined);
  const drained = served?.server.drain(10_000);
  expect(await told).toBe(constants.NGHTTP2_NO_ERROR);
  await until("the client's understanding", () => session.closed || undefined);
  expect((await rawCall(session, { path: CHECK, pieces: [REQUEST] })).grpcStatus).toBeUndefined();
  expect(made.calls).toBe(1);
  release();
  expect((await answer).grpcStatus).toBe("0");
  await drained;
  expect(served?.server.connectionCount).toBe(0);
});

test("what has not ended by the end of the grace is cut", async () => {
  const { address, made } = await start();
  const session = await dial(address);
  const answer: Promise<RawAnswer> = rawCall(session, { path: CHECK, pieces: [REQUEST] });
  await until("the call", () => made.calls === 1 || undefined);
  await served?.server.drain(30);
  expect((await answer).grpcStatus).toBeUndefined();
  await closed(session);
});

test("a server without TLS has no certificate to change", () => {
  expect(() => new Http2Server().setTls({ key: "", certificate: "" })).toThrow("without TLS");
});
