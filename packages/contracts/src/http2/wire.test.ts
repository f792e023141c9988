/** What callers send that are no client of gRPC's, or a bad one; and what they are answered. */
import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders, constants } from "node:http2";
import { gzipSync } from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../gen/grpc/health/v1/health_pb.js";
import { ErrorReason } from "../../gen/moult/v1/errors_pb.js";
import { createClient } from "../client.ts";
import { RpcError } from "../errors.ts";
import { Health } from "../health.ts";
import type { Call } from "../service.ts";
import { type RawAnswer, type RawCall, rawCall, rawConnect } from "../testing/raw-call.ts";
import { type TestHttp2Server, startHttp2, until } from "../testing/server.ts";
import { frameOf } from "./framing.ts";
import type { Http2ServerOptions } from "./server.ts";

const CHECK = "/grpc.health.v1.Health/Check";
const WATCH = "/grpc.health.v1.Health/Watch";
const MESSAGE_MAX = 10_000;

let served: TestHttp2Server;
let session: ClientHttp2Session;
/** Names that the handler was asked for, calls it has under way, and what it does. */
let asked: string[];
let calls: Call<string>[];
let handle: (service: string, call: Call<string>) => Promise<void>;
let admit: () => string | Promise<string>;

beforeEach(() => start());
/** Starts anew, with other limits on how long callers are waited for. */
async function start(waits: Pick<Http2ServerOptions, "requestMs" | "crowdingMs"> = {}): Promise<void> {
  asked = [];
  calls = [];
  handle = async () => undefined;
  admit = () => "anyone";
  served = await startHttp2(
    (bind) =>
      bind(
        Health,
        {
          async check({ service }, call) {
            asked.push(service);
            calls.push(call);
            await handle(service, call);
            return create(HealthCheckResponseSchema, { status: ServingStatus.SERVING });
          },
          async *watch({ service }, call) {
            asked.push(service);
            calls.push(call);
            yield create(HealthCheckResponseSchema, { status: ServingStatus.SERVING });
            await handle(service, call);
          },
        },
        () => admit(),
        () => undefined,
      ),
    { receiveBytesMax: MESSAGE_MAX, methods: { [WATCH]: { receiveBytesMax: 100 } }, partialBytesMax: 15_000, ...waits },
  );
  session = await rawConnect(served.address);
}
function stop(): void {
  session.destroy();
  served.stop();
}
afterEach(stop);

const request = (service: string): Buffer => {
  return frameOf(toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service })));
};
const say = (call: Partial<RawCall>): Promise<RawAnswer> => rawCall(session, { path: CHECK, ...call });
const never = (signal: AbortSignal): Promise<void> => {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
};

test("a good call is answered as the protocol says", async () => {
  const { headers, body, httpStatus, rstCode } = await say({ pieces: [request("a")] });
  expect([httpStatus, rstCode]).toEqual([200, 0]);
  expect(headers).toMatchObject({ "content-type": "application/grpc+proto", "grpc-status": "0" });
  expect(body.readUInt32BE(1)).toBe(body.length - 5);
  expect(fromBinary(HealthCheckResponseSchema, body.subarray(5)).status).toBe(1);
});

test("a request that comes byte by byte is the same request", async () => {
  const bytes = request("bytewise");
  const { grpcStatus } = await say({ pieces: Array.from(bytes, (_, n) => bytes.subarray(n, n + 1)) });
  expect([grpcStatus, asked]).toEqual(["0", ["bytewise"]]);
});

test.each([
  ["a path that is not served", { path: "/grpc.health.v1.Health/Nothing" }, status.UNIMPLEMENTED],
  ["a path that is none", { path: "/" }, status.UNIMPLEMENTED],
  ["an endless path", { path: `/${"x".repeat(9_000)}` }, status.UNIMPLEMENTED],
  ["no message", {}, status.UNIMPLEMENTED],
  ["two messages", { pieces: [request("a"), request("b")] }, status.UNIMPLEMENTED],
  ["half a prefix", { pieces: [Buffer.from([0, 0])] }, status.INTERNAL],
  ["half a message", { pieces: [request("half").subarray(0, 7)] }, status.INTERNAL],
  ["a flag that is none", { pieces: [Buffer.from([9, 0, 0, 0, 0])] }, status.INTERNAL],
  ["bytes that are no message", { pieces: [frameOf(Buffer.alloc(10, 0xff))] }, status.INTERNAL],
  ["a message that is too long", { pieces: [frameOf(Buffer.alloc(MESSAGE_MAX + 1))] }, status.RESOURCE_EXHAUSTED],
  ["one too long for its method", { path: WATCH, pieces: [request("x".repeat(99))] }, status.RESOURCE_EXHAUSTED],
  ["the prefix of one too long", { pieces: [Buffer.from([0, 255, 0, 0, 0])], ends: false }, status.RESOURCE_EXHAUSTED],
  ["a timeout that is none", { headers: { "grpc-timeout": "soon" }, pieces: [request("a")] }, status.INTERNAL],
  ["a deadline that has passed", { headers: { "grpc-timeout": "0n" }, pieces: [request("a")] }, 4],
  ["a compression that is not read", { headers: { "grpc-encoding": "snappy" }, pieces: [request("a")] }, 12],
  ["compressed by nobody knows what", { pieces: [Buffer.from([1, 0, 0, 0, 0])] }, status.INTERNAL],
  ["no gzip", { headers: { "grpc-encoding": "gzip" }, pieces: [Buffer.from([1, 0, 0, 0, 1, 7])] }, status.INTERNAL],
])("%s is refused, and the handler never runs", async (_, call: Partial<RawCall>, code) => {
  const { grpcStatus, httpStatus, rstCode } = await say(call);
  expect([httpStatus, grpcStatus, rstCode]).toEqual([200, String(code), 0]);
  expect(asked).toEqual([]);
  expect((await say({ pieces: [request("after")] })).grpcStatus).toBe("0");
});

test.each([
  ["GET", { ":method": "GET" }, 405],
  ["HEAD", { ":method": "HEAD" }, 405],
  ["another content type", { "content-type": "text/plain" }, 415],
  ["gRPC-Web", { "content-type": "application/grpc-web+proto" }, 415],
])("%s is told so in HTTP's words", async (_, headers, httpStatus) => {
  const answer = await say({ headers });
  expect([answer.httpStatus, answer.grpcStatus]).toEqual([httpStatus, undefined]);
});

test("a compression that is not read is answered with those that are", async () => {
  const { headers } = await say({ headers: { "grpc-encoding": "snappy" } });
  expect(headers["grpc-accept-encoding"]).toBe("identity,gzip");
});

test("a compressed message is unpacked, no further than the limit", async () => {
  const zipped = (bytes: Uint8Array): Buffer => {
    const frame = frameOf(gzipSync(bytes));
    frame[0] = 1;
    return frame;
  };
  const headers = { "grpc-encoding": "gzip" };
  const small = await say({ headers, pieces: [zipped(request("zipped").subarray(5))] });
  expect([small.grpcStatus, asked]).toEqual(["0", ["zipped"]]);
  const bomb = await say({ headers, pieces: [zipped(Buffer.alloc(8_000_000))] });
  expect([bomb.grpcStatus, asked]).toEqual([String(status.RESOURCE_EXHAUSTED), ["zipped"]]);
  // What may be unpacked at once has its bound as well: each of these may make 10,000 bytes, and there is room for 15,000.
  const many = await Promise.all(
    Array.from({ length: 20 }, () => say({ headers, pieces: [zipped(Buffer.alloc(9_000, 1))] })),
  );
  expect(new Set(many.map(({ grpcStatus }) => grpcStatus))).toContain(String(status.RESOURCE_EXHAUSTED));
  expect((await say({ headers, pieces: [zipped(request("after").subarray(5))] })).grpcStatus).toBe("0");
});

test("messages that are not whole hold no more than their connection may, and it is given back", async () => {
  // A piece of a message of 10,000 bytes; the connection may hold 15,000.
  const begun = Buffer.concat([Buffer.from([0, 0, 0, 0x27, 0x10]), Buffer.alloc(10)]);
  const open = (): ReturnType<typeof session.request> => {
    const stream = session.request({ ":method": "POST", ":path": CHECK, "content-type": "application/grpc" });
    stream.on("error", () => undefined);
    stream.write(begun);
    return stream;
  };
  const first = open();
  // One connection's frames are read in their order.
  const second = await say({ pieces: [begun], ends: false });
  expect(second.grpcStatus).toBe(String(status.RESOURCE_EXHAUSTED));
  // There is room for a small one.
  expect((await say({ pieces: [request("small")] })).grpcStatus).toBe("0");
  first.close(8);
  await new Promise((resolve) => first.once("close", resolve));
  const whole = frameOf(
    toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service: "x".repeat(9_990) })),
  );
  const third = await say({ pieces: [whole.subarray(0, 1_000), whole.subarray(1_000)] });
  expect(third.grpcStatus).toBe("0");
});

/** A call whose message of 9,993 bytes has been sent, and whose end has not. */
async function half(
  headers: Record<string, string> = {},
  bytes = request("x".repeat(9_990)),
): Promise<ClientHttp2Stream> {
  const all = { ":method": "POST", ":path": CHECK, "content-type": "application/grpc", ...headers };
  const stream = session.request(all);
  stream.on("error", () => undefined);
  stream.write(bytes);
  await new Promise<void>((resolve) => session.ping(() => resolve()));
  return stream;
}

test.each([["in one piece"], ["in two"]])(
  "a request that came %s holds its room until its call ends, and what comes then is served if it ends at once",
  async (how) => {
    const long = request("x".repeat(9_990));
    const pieces = how === "in two" ? [long.subarray(0, 1_000), long.subarray(1_000)] : [long];
    const first = await half();
    const refused = await say({ pieces, ends: false });
    expect([refused.grpcStatus, asked]).toEqual([String(status.RESOURCE_EXHAUSTED), []]);
    expect((await say({ pieces: [long] })).grpcStatus).toBe("0");
    // Its end gives the room back, and so does being reset.
    const answered = once(first, "close");
    first.end();
    first.resume();
    await answered;
    expect(asked.length).toBe(2);
    for (let n = 0; n < 3; n += 1) {
      const again = await half();
      again.close(constants.NGHTTP2_CANCEL);
      await once(again, "close");
    }
    expect((await say({ pieces: [long.subarray(0, 1_000), long.subarray(1_000)] })).grpcStatus).toBe("0");
  },
);

test("a compressed request is unpacked when its call has ended, not before", async () => {
  // No gzip, which shows as soon as it is unpacked.
  const stream = await half({ "grpc-encoding": "gzip" }, Buffer.from([1, 0, 0, 0, 1, 7]));
  let answered: IncomingHttpHeaders | undefined;
  stream.on("response", (headers) => (answered = headers));
  expect((await say({ pieces: [request("meanwhile")] })).grpcStatus).toBe("0");
  expect(answered).toBeUndefined();
  stream.end();
  await until("the answer", () => answered);
  expect(answered?.["grpc-status"]).toBe(String(status.INTERNAL));
});

test.each([
  ["nothing", []],
  ["half a message", [request("half").subarray(0, 7)]],
  ["a message and no end", [request("unended")]],
])("who sends %s is waited for, but not for ever", async (_, pieces) => {
  stop();
  await start({ requestMs: 60 });
  // Who has sent all waits for its answer as long as that takes.
  const gate = Promise.withResolvers<void>();
  handle = () => gate.promise;
  const patient = say({ pieces: [request("patient")] });
  await until("the call", () => asked.length === 1 || undefined);
  for (let n = 0; n < 2; n += 1) {
    const late = await say({ pieces, ends: false });
    expect([late.grpcStatus, late.grpcMessage]).toEqual([
      String(status.DEADLINE_EXCEEDED),
      "the request did not end within 60 ms",
    ]);
  }
  gate.resolve();
  expect((await patient).grpcStatus).toBe("0");
  expect(asked).toEqual(["patient"]);
});

test("a call that is cancelled says so to its handler, at once or when it asks", async () => {
  handle = (_, call) => never(call.signal);
  const stream = session.request({ ":method": "POST", ":path": CHECK, "content-type": "application/grpc" });
  stream.on("error", () => undefined);
  stream.end(request("a"));
  const call = await until("the call", () => calls[0]);
  expect(call.signal.aborted).toBe(false);
  stream.close(8);
  await until("the signal", () => call.signal.aborted || undefined);
});

test("a request whose connection ends before it was whole runs no handler", async () => {
  const stream = session.request({ ":method": "POST", ":path": CHECK, "content-type": "application/grpc" });
  stream.on("error", () => undefined);
  stream.write(request("gone"));
  await new Promise<void>((resolve) => session.ping(() => resolve()));
  session.destroy();
  await until("the end", () => served.server.connectionCount === 0 || undefined);
  expect(asked).toEqual([]);
  session = await rawConnect(served.address);
});

test("a deadline ends the call and its handler's work", async () => {
  handle = (_, call) => never(call.signal);
  const answer = await say({ headers: { "grpc-timeout": "30m" }, pieces: [request("a")] });
  expect(answer.grpcStatus).toBe(String(status.DEADLINE_EXCEEDED));
  expect(calls[0]?.signal.aborted).toBe(true);
  const streamed = await say({ path: WATCH, headers: { "grpc-timeout": "30m" }, pieces: [request("a")] });
  expect([streamed.grpcStatus, streamed.body.length > 5]).toEqual([String(status.DEADLINE_EXCEEDED), true]);
});

test("who may not call is told so before a message was sent, and lets go", async () => {
  admit = () => {
    throw new RpcError(status.UNAUTHENTICATED, ErrorReason.CREDENTIALS_MISSING, "wer da? 100 %");
  };
  const answer = await say({ ends: false });
  expect([answer.grpcStatus, answer.rstCode]).toEqual([String(status.UNAUTHENTICATED), 0]);
  expect(decodeURIComponent(answer.grpcMessage ?? "")).toBe("wer da? 100 %");
  expect(answer.headers["grpc-status-details-bin"]).toMatch(/^[A-Za-z0-9+/]+=*$/);
  const thinking = Promise.withResolvers<string>();
  const wondering = Promise.withResolvers<void>();
  admit = () => {
    wondering.resolve();
    return thinking.promise;
  };
  const later = say({ pieces: [request("a")] });
  await wondering.promise;
  thinking.reject(new RpcError(status.PERMISSION_DENIED, ErrorReason.ACCESS_DENIED, "no"));
  expect((await later).grpcStatus).toBe(String(status.PERMISSION_DENIED));
  expect(asked).toEqual([]);
});

test("the error of a stream comes after what it has sent", async () => {
  handle = () => Promise.reject(new RpcError(status.ABORTED, ErrorReason.UNSPECIFIED, "enough"));
  const answer = await say({ path: WATCH, pieces: [request("a")] });
  expect([answer.grpcStatus, answer.grpcMessage, answer.body.length > 5]).toEqual(["10", "enough", true]);
});

test("a client of grpc-js learns the same", async () => {
  const client = createClient(Health, served.address, served.credentials);
  expect((await client.check({ service: "b" }, { timeoutMs: 5_000 })).status).toBe(1);
  const long = client.check({ service: "x".repeat(MESSAGE_MAX) }, { timeoutMs: 5_000 });
  await expect(long).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  client.close();
});
