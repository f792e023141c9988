import { once } from "node:events";
import { rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { type DescMethod, create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Client, Metadata, Server, ServerCredentials, type ServiceError, credentials, status } from "@grpc/grpc-js";
import { RelayedError, RpcError, WireImplementation, bindService, bufferOf } from "@moult/contracts";
import { Http2Server } from "@moult/contracts/http2";
import { TrunkService } from "@moult/contracts/replica";
import {
  AgentService,
  AskRequestSchema,
  AskResponseSchema,
  ErrorReason,
  FleetService,
  MembershipService,
} from "@moult/contracts/v1";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Principal } from "../rpc/access.ts";
import { makeFolder } from "../testing/coordinator.ts";
import { until } from "../testing/wait.ts";
import { ownTls } from "../tls/certificate.ts";
import { Forwarder } from "./forward.ts";
import { Hop } from "./hop.ts";
import { throughSeat } from "./through.ts";
import { TrunkServer } from "./trunk-server.ts";

const ASK = "/moult.v1.AgentService/Ask";
const ATTEND = "/moult.v1.AgentService/Attend";
const NODE = "/moult.v1.FleetService/GetNode";
const WATCH = "/moult.v1.MembershipService/Watch";
/** As a server lets a connection have them. */
const STREAMS_MAX = 100;

/** A field that this version does not know, after a message that it knows. */
function newer(known: Uint8Array, word: string): Buffer {
  return bufferOf(new BinaryWriter().raw(known).tag(900, WireType.LengthDelimited).string(word).finish());
}

const REQUEST = newer(toBinary(AskRequestSchema, create(AskRequestSchema, { node: "nodes/n1" })), "asked");
const ANSWER = newer(toBinary(AskResponseSchema, create(AskResponseSchema, {})), "answered");
const DETAILS = newer(new RpcError(status.NOT_FOUND, ErrorReason.NODE_UNKNOWN, "nobody").statusBytes, "why");

/** What the seat, of a newer version, does with bytes. */
class NewerSeat {
  readonly got: Buffer[] = [];
  open = 0;

  readonly unary = async (method: DescMethod, request: Uint8Array): Promise<Uint8Array> => {
    this.got.push(Buffer.from(request));
    if (method.name === "GetNode") throw new RelayedError(status.NOT_FOUND, "nobody", DETAILS);
    return ANSWER;
  };

  async *stream(requests: unknown, { signal }: { readonly signal: AbortSignal }): AsyncGenerator<Uint8Array> {
    if (requests instanceof Uint8Array) this.got.push(Buffer.from(requests));
    this.open += 1;
    try {
      yield ANSWER;
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    } finally {
      this.open -= 1;
    }
  }

  /** Its gRPC server; knows the trunk or not. */
  server(withTrunk: boolean): Server {
    const server = new Server({ "grpc.max_concurrent_streams": STREAMS_MAX });
    const anyone = (): Principal => ({ kind: "anyone" });
    const implementation = new WireImplementation<Principal>({
      unary: this.unary,
      stream: (_, requests, call) => this.stream(requests, call),
    });
    for (const service of SERVICES) bindService(server, service, implementation, anyone, refuse);
    if (!withTrunk) return server;
    const trunk = new TrunkServer({ speaks: () => true, term: () => new AbortController().signal });
    trunk.judgedBy(anyone, () => undefined);
    for (const method of AgentService.methods) {
      trunk.add(`/${AgentService.typeName}/${method.name}`, {
        method,
        unary: (request) => this.unary(method, request),
        stream: (requests, call) => this.stream(requests, call),
      });
    }
    bindService(server, TrunkService, trunk.implementation, () => undefined, refuse);
    return server;
  }
}

const SERVICES = [AgentService, FleetService, MembershipService] as const;

function refuse(): never {
  throw new Error("the other decides");
}

let seat: NewerSeat;
let client: Client;
let closing: (() => void)[] = [];
beforeEach(() => {
  seat = new NewerSeat();
});
afterEach(() => {
  for (const close of closing.toReversed()) close();
  closing = [];
});

/** An edge of this version that hands on to the seat, and a client of the edge's. */
async function start(withTrunk: boolean): Promise<void> {
  const folder = makeFolder();
  closing.push(() => rmSync(folder, { recursive: true, force: true }));
  const { ca, key, certificate } = await ownTls(folder, ["127.0.0.1"], Date.now());
  const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(certificate) };
  const port = await listen(seat.server(withTrunk), ServerCredentials.createSsl(null, [pair]));
  const hop = new Hop(Buffer.alloc(32, 3));
  const forwarder = new Forwarder(() => `127.0.0.1:${port}`, ca, hop);
  const edge = throughSeat({ hop, forwarder, speaks: () => false, term: () => new AbortController().signal });
  // All devices come over one connection here.
  const server = new Http2Server({ streamsMax: 1_000 });
  const lacking = new Proxy({}, { get: () => refuse }) as never;
  for (const service of SERVICES) {
    server.bind(service, edge.implementation(service, lacking), edge.check(refuse, refuse), refuse);
  }
  const listener = createServer((socket) => server.accept(socket)).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const edgePort = (listener.address() as AddressInfo).port;
  closing.push(
    () => void listener.close(),
    () => void server.drain(0),
  );
  client = new Client(`127.0.0.1:${edgePort}`, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  closing.push(
    () => forwarder.close(),
    () => client.close(),
  );
}

async function listen(server: Server, how: ServerCredentials): Promise<number> {
  closing.push(() => server.forceShutdown());
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", how, (error, port) => (error ? reject(error) : resolve(port)));
  });
}

function metadata(): Metadata {
  const made = new Metadata();
  made.set("authorization", "Bearer t");
  return made;
}

const asItIs = (bytes: Buffer): Buffer => bytes;

function call(path: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, asItIs, asItIs, REQUEST, metadata(), (error, answer) => {
      if (error === null && answer !== undefined) resolve(answer);
      else reject(error);
    });
  });
}

/** What came of a stream, and its end. */
function stream(path: string): { readonly came: Buffer[]; error: ServiceError | undefined; cancel: () => void } {
  const opened =
    path === ATTEND
      ? client.makeBidiStreamRequest(path, asItIs, asItIs, metadata())
      : client.makeServerStreamRequest(path, asItIs, asItIs, REQUEST, metadata());
  const found = { came: [] as Buffer[], error: undefined as ServiceError | undefined, cancel: () => opened.cancel() };
  opened.on("data", (message: Buffer) => found.came.push(message));
  opened.on("error", (error: ServiceError) => (found.error = error));
  return found;
}

test.for([
  ["over the trunk", ASK, true],
  ["by a call of its own", "/moult.v1.FleetService/ListPools", true],
  ["where the other knows of no trunk", ASK, false],
] as const)("what only a newer seat understands goes through, there and back: %s", async ([, path, withTrunk]) => {
  await start(withTrunk);
  const answer = await until("it is answered", () => call(path).catch(() => undefined));
  expect(answer).toEqual(ANSWER);
  expect(seat.got).toEqual([REQUEST]);
});

test.for([ATTEND, WATCH])("and so it does over streams: %s", async (path) => {
  await start(true);
  const watching = stream(path);
  await until("a message", () => watching.came[0]);
  expect(watching.came).toEqual([ANSWER]);
  expect(seat.open).toBe(1);
  watching.cancel();
  await until("it is over at the seat", () => seat.open === 0 || undefined);
  if (path === WATCH) expect(seat.got).toEqual([REQUEST]);
});

test("and so does what a refusal says besides", async () => {
  await start(true);
  const error = await call(NODE).catch((refusal: ServiceError) => refusal);
  expect(error).toMatchObject({ code: status.NOT_FOUND, details: "nobody" });
  expect((error as ServiceError).metadata.get("grpc-status-details-bin")).toEqual([DETAILS]);
});

test.for([
  ["devices' over the trunk", ATTEND, true],
  ["devices' where the other knows of no trunk", ATTEND, false],
  ["routers'", WATCH, true],
] as const)("more streams than a connection may have are all there: %s", async ([, path, withTrunk]) => {
  await start(withTrunk);
  if (!withTrunk) await until("it is seen", () => call(ASK).catch(() => undefined));
  const all = Array.from({ length: 3 * STREAMS_MAX }, () => stream(path));
  await until("all are open", () => all.every(({ came }) => came.length === 1) || undefined);
  expect(seat.open).toBe(all.length);
  for (const each of all) each.cancel();
  await until("none is open", () => seat.open === 0 || undefined);
});
