import { once } from "node:events";
import { rmSync } from "node:fs";
import { type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders, connect } from "node:http2";
import { type AddressInfo, createServer } from "node:net";
import type { DescMethod } from "@bufbuild/protobuf";
import { WireImplementation, bufferOf } from "@moult/contracts";
import { Http2Server } from "@moult/contracts/http2";
import { TrunkService } from "@moult/contracts/replica";
import { AgentService, MembershipService, MetadataService } from "@moult/contracts/v1";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Principal } from "../rpc/access.ts";
import { makeFolder } from "../testing/coordinator.ts";
import { until } from "../testing/wait.ts";
import { ownTls } from "../tls/certificate.ts";
import { Forwarder } from "./forward.ts";
import { Hop } from "./hop.ts";
import { PacedCancels } from "./paced-cancels.ts";
import { throughSeat } from "./through.ts";
import { TrunkServer } from "./trunk-server.ts";

const METADATA = "/moult.v1.MetadataService/GetMetadata";
const ATTEND = "/moult.v1.AgentService/Attend";
const WATCH = "/moult.v1.MembershipService/Watch";
const SERVICES = [AgentService, MembershipService, MetadataService] as const;
const ANYONE = (): Principal => ({ kind: "anyone" });
const MESSAGE = bufferOf(new Uint8Array([8, 1]));

function broken(error: unknown): never {
  throw error;
}

/** Serves on loopback; answers the port. */
async function listening(server: Http2Server, closing: (() => void)[]): Promise<number> {
  const listener = createServer({ noDelay: true }, (socket) => server.accept(socket)).listen(0, "127.0.0.1");
  await once(listener, "listening");
  closing.push(
    () => void listener.close(),
    () => void server.drain(0),
  );
  return (listener.address() as AddressInfo).port;
}

/** A seat behind the server that is used, whose calls last until it is told, and whose streams stay. */
class SlowSeat {
  readonly answering = Promise.withResolvers<void>();
  readonly talking = Promise.withResolvers<void>();
  open = 0;
  calls = 0;

  readonly #unary = async (): Promise<Uint8Array> => {
    this.calls += 1;
    await this.answering.promise;
    return MESSAGE;
  };

  async *#stream(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    this.open += 1;
    try {
      yield MESSAGE;
      const gone = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      await Promise.race([gone, this.talking.promise]);
      yield MESSAGE;
      await gone;
    } finally {
      this.open -= 1;
    }
  }

  server(tls: { readonly key: string; readonly certificate: string }): Http2Server {
    const server = new Http2Server({ tls });
    const implementation = new WireImplementation<Principal>({
      unary: this.#unary,
      stream: (_, __, call) => this.#stream(call.signal),
    });
    for (const service of SERVICES) server.bind(service, implementation, ANYONE, broken);
    const trunk = new TrunkServer({ speaks: () => true, term: () => new AbortController().signal });
    trunk.judgedBy(ANYONE, () => undefined);
    const method: DescMethod = AgentService.method.attend;
    trunk.add(ATTEND, { method, unary: this.#unary, stream: (_, call) => this.#stream(call.signal) });
    server.bind(TrunkService, trunk.implementation, () => undefined, broken);
    return server;
  }
}

/** A call of a client that knows only HTTP/2: what it was told so far. */
class RawCall {
  readonly #stream: ClientHttp2Stream;
  bytes = 0;
  status: string | undefined;

  constructor(session: ClientHttp2Session, path: string, more: Readonly<Record<string, string>> = {}) {
    const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc", ...more };
    this.#stream = session.request(headers, { endStream: false });
    const told = (got: IncomingHttpHeaders): void => void (this.status ??= got["grpc-status"] as string | undefined);
    this.#stream.on("response", told).on("trailers", told);
    this.#stream.on("error", () => undefined);
    this.#stream.on("data", (bytes: Buffer) => (this.bytes += bytes.length));
    const empty = Buffer.alloc(5);
    if (path === ATTEND) this.#stream.write(empty);
    else this.#stream.end(empty);
  }

  leave(): void {
    this.#stream.close(8);
  }
}

let seat: SlowSeat;
let closing: (() => void)[] = [];
let port: number;
beforeEach(async () => {
  seat = new SlowSeat();
  const folder = makeFolder();
  closing = [() => rmSync(folder, { recursive: true, force: true })];
  const { ca, key, certificate } = await ownTls(folder, ["127.0.0.1"], Date.now());
  const seatPort = await listening(seat.server({ key, certificate }), closing);
  const hop = new Hop(Buffer.alloc(32, 3));
  const forwarder = new Forwarder(() => `127.0.0.1:${seatPort}`, ca, hop);
  const edge = throughSeat({ hop, forwarder, speaks: () => false, term: () => new AbortController().signal });
  const server = new Http2Server();
  const lacking = new Proxy({}, { get: () => broken }) as never;
  for (const service of SERVICES) {
    server.bind(service, edge.implementation(service, lacking), edge.check(broken, broken), broken);
  }
  port = await listening(server, closing);
  closing.push(() => forwarder.close());
});
afterEach(() => {
  for (const close of closing.toReversed()) close();
});

function client(): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => undefined);
  closing.push(() => session.destroy());
  return session;
}

/** Whether the streams are some still: what the seat says now arrives. */
async function expectAlive(calls: readonly RawCall[]): Promise<void> {
  const before = calls.map(({ bytes }) => bytes);
  seat.talking.resolve();
  const hears = (call: RawCall, nth: number): boolean => call.bytes > (before[nth] ?? 0) || call.status !== undefined;
  await until("they hear from the seat, or have ended", () => calls.every(hears) || undefined);
  expect(calls.map(({ status }) => status)).toEqual(calls.map(() => undefined));
}

test("one that calls and does not wait for answers cuts nobody else's stream, and nobody else's call", async () => {
  const [device, router] = [new RawCall(client(), ATTEND), new RawCall(client(), WATCH)];
  await until("both are there", () => (device.bytes > 0 && router.bytes > 0) || undefined);
  const patient = new RawCall(client(), METADATA);
  await until("it is there, too", () => seat.calls === 1 || undefined);
  const stranger = client();
  for (let n = 0; n < 10; n += 1) {
    const calls = Array.from({ length: 50 }, () => new RawCall(stranger, METADATA, { "grpc-timeout": "20m" }));
    await until("it was told that they are over", () => calls.every(({ status }) => status !== undefined) || undefined);
  }
  seat.answering.resolve();
  await until("the patient one has its answer", () => patient.status);
  expect(patient.status).toBe("0");
  await expectAlive([device, router]);
});

test("nor does one that opens streams and leaves them, again and again", async () => {
  const router = new RawCall(client(), WATCH);
  await until("it is there", () => router.bytes > 0 || undefined);
  for (let n = 0; n < 6; n += 1) {
    // Each by itself: a server ends the connection of who resets too many.
    const stranger = client();
    const calls = Array.from({ length: 50 }, () => new RawCall(stranger, WATCH));
    await until("they are there", () => calls.every(({ bytes }) => bytes > 0) || undefined);
    for (const call of calls) call.leave();
  }
  const left = seat.open;
  await until(
    "those that were left are over at the seat, one after the other",
    () => seat.open < left - 50 || undefined,
  );
  await expectAlive([router]);
});

test("so many are cancelled at once and the rest in their turn; one that is over is not, and with the connection all are", async () => {
  const cancelled: number[] = [];
  const streams = Array.from({ length: 110 }, (_, nth) => ({ cancel: () => void cancelled.push(nth) }));
  const cancels = new PacedCancels();
  for (const stream of streams) cancels.put(stream);
  expect(cancelled).toHaveLength(100);
  const over = streams[109];
  if (over !== undefined) cancels.drop(over);
  await until("the next has its turn", () => cancelled.length > 100 || undefined);
  expect(cancelled.length).toBeLessThan(109);
  cancels.close();
  expect(cancelled).toEqual(Array.from({ length: 109 }, (_, nth) => nth));
});
