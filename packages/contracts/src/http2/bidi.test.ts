import type { ClientHttp2Session } from "node:http2";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  ServerReflectionRequestSchema,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from "../../gen/grpc/reflection/v1/reflection_pb.js";
import { ErrorReason } from "../../gen/moult/v1/errors_pb.js";
import { RpcError } from "../errors.ts";
import { ServerReflection } from "../reflection.ts";
import { takeEach } from "../service.ts";
import { type RawAnswer, rawCall, rawConnect } from "../testing/raw-call.ts";
import { type TestHttp2Server, startHttp2, until } from "../testing/server.ts";
import { frameOf } from "./framing.ts";

const PATH = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

let served: TestHttp2Server;
let session: ClientHttp2Session;
let read: string[];
let handle: (requests: AsyncIterable<ServerReflectionRequest>) => AsyncIterable<ServerReflectionResponse>;
beforeEach(async () => {
  read = [];
  served = await startHttp2((bind) =>
    bind(
      ServerReflection,
      { serverReflectionInfo: (requests) => handle(requests) },
      () => undefined,
      () => undefined,
    ),
  );
  session = await rawConnect(served.address);
});
afterEach(() => {
  session.destroy();
  served.stop();
});

const request = (host: string): Buffer =>
  frameOf(toBinary(ServerReflectionRequestSchema, create(ServerReflectionRequestSchema, { host })));
const say = (pieces: readonly Uint8Array[], ends = true): Promise<RawAnswer> =>
  rawCall(session, { path: PATH, pieces, ends });

const WAYS: Readonly<Record<string, typeof takeEach<ServerReflectionRequest>>> = {
  "asked for by a loop": async (requests, take) => {
    for await (const each of requests) await take(each);
  },
  "given one by one": takeEach,
};

describe.each(Object.entries(WAYS))("requests that are %s", (_, each) => {
  test("requests are read in order, however many come at once", async () => {
    handle = async function* (requests) {
      await each(requests, ({ host }) => {
        read.push(host);
        return read.length % 50 === 0 ? new Promise((resolve) => setImmediate(resolve)) : undefined;
      });
      yield create(ServerReflectionResponseSchema, { validHost: `${read.length}` });
    };
    const names = Array.from({ length: 1_000 }, (_, n) => `h${n}`);
    const answer = await say([Buffer.concat(names.map(request))]);
    expect([answer.grpcStatus, answer.body.subarray(7).toString()]).toEqual(["0", "1000"]);
    expect(read).toEqual(names);
  });

  test("a handler that does not read holds its caller up", async () => {
    const gate = Promise.withResolvers<void>();
    handle = async function* (requests) {
      await gate.promise;
      await each(requests, ({ host }) => void read.push(host.slice(0, 1)));
      yield create(ServerReflectionResponseSchema);
    };
    const stream = session.request({ ":method": "POST", ":path": PATH, "content-type": "application/grpc" });
    stream.on("error", () => undefined);
    stream.resume();
    const one = request("x".repeat(10_000));
    for (let n = 0; n < 100; n += 1) stream.write(one);
    stream.end();
    await new Promise<void>((resolve) => session.ping(() => resolve()));
    await new Promise<void>((resolve) => session.ping(() => resolve()));
    // The window of HTTP/2, what is read ahead, and what Node has read of the socket: a fraction of a megabyte.
    expect(stream.bufferSize).toBeGreaterThan(500_000);
    gate.resolve();
    await until("the rest", () => read.length === 100 || undefined);
  });

  test("a caller that goes is no caller that has said all", async () => {
    let ended = "";
    handle = async function* (requests) {
      try {
        await each(requests, ({ host }) => void read.push(host));
        ended = "well";
      } catch (error) {
        ended = status[(error as RpcError).code];
      }
      yield* [];
    };
    const stream = session.request({ ":method": "POST", ":path": PATH, "content-type": "application/grpc" });
    stream.on("error", () => undefined);
    stream.write(request("a"));
    await until("the request", () => read[0]);
    session.destroy();
    await until("the end", () => ended || undefined);
    expect(ended).toBe("CANCELLED");
    session = await rawConnect(served.address);
  });

  test("compressed requests keep their order, and one that unpacks to too much ends the stream", async () => {
    handle = async function* (requests) {
      await each(requests, ({ host }) => void read.push(host));
      yield create(ServerReflectionResponseSchema);
    };
    const zipped = (message: Uint8Array): Buffer => {
      const frame = frameOf(gzipSync(message));
      frame[0] = 1;
      return frame;
    };
    const headers = { "grpc-encoding": "gzip" };
    const good = [zipped(request("a").subarray(5)), request("b"), zipped(request("c").subarray(5))];
    expect((await rawCall(session, { path: PATH, headers, pieces: [Buffer.concat(good)] })).grpcStatus).toBe("0");
    const bomb = zipped(Buffer.alloc(16_000_000));
    const { grpcStatus } = await rawCall(session, { path: PATH, headers, pieces: [...good, bomb], ends: false });
    expect([grpcStatus, read.join("")]).toEqual([String(status.RESOURCE_EXHAUSTED), "abcabc"]);
  });

  test("what one is refused with ends the reading, at once or later", async () => {
    for (const later of [false, true]) {
      read = [];
      handle = async function* (requests) {
        await each(requests, ({ host }) => {
          read.push(host);
          const refusal = new RpcError(status.PERMISSION_DENIED, ErrorReason.ACCESS_DENIED, "not that");
          if (host !== "b") return undefined;
          if (later) return new Promise((_, reject) => setImmediate(() => reject(refusal)));
          throw refusal;
        });
        yield* [];
      };
      const answer = await say(["a", "b", "c"].map(request), false);
      expect([answer.grpcMessage, read]).toEqual(["not that", ["a", "b"]]);
    }
  });
});

test("a handler that has heard enough ends the call, and what still comes is dropped", async () => {
  handle = async function* (requests) {
    for await (const { host } of requests) {
      read.push(host);
      break;
    }
    yield create(ServerReflectionResponseSchema, { validHost: "enough" });
  };
  const answer = await say(Array(200).fill(request("a")), false);
  expect([answer.grpcStatus, answer.rstCode, read]).toEqual(["0", 0, ["a"]]);
});

test("a request that is none ends the stream, also behind good ones", async () => {
  handle = async function* (requests) {
    for await (const { host } of requests) {
      read.push(host);
      yield create(ServerReflectionResponseSchema, { validHost: host });
    }
  };
  const answer = await say([request("a"), frameOf(Buffer.alloc(9, 0xff))], false);
  expect([answer.grpcStatus, read]).toEqual([String(status.INTERNAL), ["a"]]);
});

test("a handler's refusal reaches a caller who has not finished", async () => {
  handle = () => {
    throw new RpcError(status.PERMISSION_DENIED, ErrorReason.ACCESS_DENIED, "not you");
  };
  const answer = await say([], false);
  expect([answer.grpcStatus, answer.grpcMessage]).toEqual([String(status.PERMISSION_DENIED), "not you"]);
});
