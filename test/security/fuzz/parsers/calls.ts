/** Parsers of gRPC on HTTP/2: frames, headers, and whole connections, as the devices' port gets them. */
import type { Socket } from "node:net";
import { duplexPair } from "node:stream";
import { gzipSync } from "node:zlib";
import { RpcError } from "@moult/contracts";
import { Health, createHealth } from "@moult/contracts/health";
import { Http2Server } from "@moult/contracts/http2";
import { TrunkWriter, readAnswered, readHanded } from "../../../../apps/coordinator/src/replica/trunk-codec.ts";
import { readPageToken } from "../../../../apps/coordinator/src/rpc/pages.ts";
import { Budget } from "../../../../packages/contracts/src/http2/budget.ts";
import { parseTimeoutMs } from "../../../../packages/contracts/src/http2/deadline.ts";
import { FrameReader, frameOf } from "../../../../packages/contracts/src/http2/framing.ts";
import { inflate } from "../../../../packages/contracts/src/http2/inflate.ts";
import { isGrpc } from "../../../../packages/contracts/src/http2/metadata.ts";
import { encodeMessage } from "../../../../packages/contracts/src/http2/trailers.ts";
import { type Parser, bytesOf, oneOf, textOf } from "../parser.ts";

const HTTP2 = "packages/contracts/src/http2";
const TRUNK = "apps/coordinator/src/replica/trunk-codec.ts";
const rpc = oneOf(RpcError);
const MESSAGE_MAX = 4_096;

/** A frame of HTTP/2. */
function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.set([type, flags], 3);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Headers that are never indexed, each with its name and value in full (RFC 7541, 6.2.2). */
function headerBlock(headers: Readonly<Record<string, string>>): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  return Buffer.concat(Object.entries(headers).flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

/** What a client says on a new connection that makes one call. */
function connection(path: string, message: Uint8Array, more: Readonly<Record<string, string>> = {}): Buffer {
  const http = { ":method": "POST", ":scheme": "https", ":path": path, ":authority": "a" };
  const block = headerBlock({ ...http, "content-type": "application/grpc", te: "trailers", ...more });
  return Buffer.concat([
    Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    frame(4, 0, 0, Buffer.alloc(0)),
    frame(1, 4, 1, block),
    frame(0, 1, 1, frameOf(message)),
  ]);
}

/** What the reader of protobuf's wire format throws. */
const malformed = (error: unknown): boolean =>
  error instanceof RangeError || (error instanceof Error && error.constructor === Error);

function handed(): Uint8Array {
  const writer = new TrunkWriter();
  const caller = { authorization: "Bearer x", peer: "192.0.2.1:7", certificate: Buffer.from([1]) };
  writer.call({
    id: 1,
    path: "/moult.v1.AgentService/Ask",
    method: 1,
    callerNumber: 1,
    caller,
    request: Buffer.alloc(9),
  });
  writer.part({ id: 2, message: Buffer.from([8, 1]), taken: 3, ended: true, cancelled: true });
  return writer.finish();
}

function answered(): Uint8Array {
  const writer = new TrunkWriter();
  writer.answer({ id: 1, code: 14, body: Buffer.alloc(9), message: "words" });
  writer.part({ id: 2, message: Buffer.from([8, 1]) });
  return writer.finish();
}

const server = new Http2Server({ receiveBytesMax: MESSAGE_MAX, partialBytesMax: 2 * MESSAGE_MAX });
const health = createHealth([]);
const unexpected = (error: unknown): never => {
  throw new Error("a handler failed otherwise than in its own words", { cause: error });
};
server.bind(Health, health.implementation, () => undefined, unexpected);

/** Turns of the event loop in which a connection that is in memory is read and answered. */
const TURNS = 4;

export const CALL_PARSERS: readonly Parser[] = [
  {
    name: "a call's frames",
    covers: [],
    samples: () => [Buffer.concat([frameOf(Buffer.alloc(20, 1)), frameOf(Buffer.alloc(0)), frameOf(Buffer.alloc(3))])],
    parse(bytes) {
      const budget = new Budget(2 * MESSAGE_MAX);
      const reader = new FrameReader(MESSAGE_MAX, budget);
      const whole = Buffer.from(bytes);
      const step = 1 + (whole[0] ?? 0);
      try {
        for (let at = 0; at < whole.length; at += step) {
          reader.push(whole.subarray(at, at + step), { onFrame: () => undefined });
        }
      } finally {
        reader.close();
      }
      if (budget.takenBytes !== 0) throw new Error(`${budget.takenBytes} bytes were not given back`);
    },
    refuses: rpc,
  },
  {
    name: "a compressed message",
    covers: [],
    samples: () => [gzipSync("x".repeat(100)), gzipSync(Buffer.alloc(100_000))],
    parse: (bytes) => inflate(Buffer.from(bytes), "gzip", MESSAGE_MAX),
    refuses: rpc,
    dear: true,
  },
  {
    name: "a call's timeout",
    covers: [`${HTTP2}/deadline.ts#parseTimeoutMs`],
    samples: () => ["1S", "99999999H", "500u"].map(bytesOf),
    parse(bytes) {
      const timeoutMs = parseTimeoutMs(textOf(bytes));
      if (timeoutMs !== undefined && !(timeoutMs >= 0)) throw new Error(`a timeout of ${timeoutMs} ms`);
    },
  },
  {
    name: "a call's content type",
    covers: [],
    samples: () => ["application/grpc", "application/grpc+proto; a=b"].map(bytesOf),
    parse: (bytes) => isGrpc(textOf(bytes)),
  },
  {
    name: "words that go into a trailer",
    covers: [],
    samples: () => ["no such node", "ü % \n"].map(bytesOf),
    parse(bytes) {
      if (!/^[\x20-\x7e]*$/.test(encodeMessage(textOf(bytes)))) throw new Error("a trailer that HTTP/2 does not carry");
    },
  },
  {
    name: "calls that a replica hands on",
    covers: [`${TRUNK}#readHanded`],
    samples: () => [handed()],
    parse: (bytes) => readHanded(bytes),
    refuses: malformed,
  },
  {
    name: "answers to calls that were handed on",
    covers: [`${TRUNK}#readAnswered`],
    samples: () => [answered()],
    parse: (bytes) => readAnswered(bytes),
    refuses: malformed,
  },
  {
    name: "a page's token",
    covers: ["apps/coordinator/src/rpc/pages.ts#readPageToken"],
    samples: () => ["bm9kZS0x", ""].map(bytesOf),
    parse: (bytes) => readPageToken(textOf(bytes)),
  },
  {
    name: "a connection of HTTP/2 with a call",
    covers: [],
    samples: () => [
      connection("/grpc.health.v1.Health/Check", Buffer.alloc(0)),
      connection("/grpc.health.v1.Health/Watch", Buffer.from([10, 0]), { "grpc-timeout": "1S" }),
      connection("/nothing", Buffer.alloc(0), { "grpc-encoding": "gzip", authorization: "Bearer x" }),
    ],
    async parse(bytes) {
      const [here, there] = duplexPair();
      here.on("error", () => undefined);
      here.resume();
      // Node takes any stream for a connection.
      server.accept(there as unknown as Socket);
      here.write(bytes);
      for (let n = 0; n < TURNS; n += 1) await new Promise((resolve) => setImmediate(resolve));
      here.destroy();
      there.destroy();
    },
    dear: true,
  },
];
