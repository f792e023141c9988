import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type ClientHttp2Session, connect } from "node:http2";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { type Implementation, bindService } from "@moult/contracts";
import { GetMetadataResponseSchema, MetadataService } from "@moult/contracts/v1";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TestCoordinator } from "../testing/coordinator.ts";
import { refused } from "../testing/refusal.ts";
import { until } from "../testing/wait.ts";
import { LargeFiles } from "./large-files.ts";

const METHOD = "/moult.v1.MetadataService/GetMetadata";
/** A GetMetadataRequest for `targets`, in its frame. */
const ASK = Buffer.concat([Buffer.from([0, 0, 0, 0, 9, 0x0a, 7]), Buffer.from("targets")]);

let home: TestCoordinator;
const sessions: ClientHttp2Session[] = [];
beforeEach(async () => {
  home = await TestCoordinator.start();
  const builds = Array.from({ length: 100 }, (_, n) => ({
    digest: createHash("sha256").update(String(n)).digest("hex"),
    lengthBytes: 10,
    platform: { os: "linux", arch: "arm64" },
    version: "2.0.0",
    releaseCounter: 2 + n,
    fromVersions: [],
    flags: new Map(),
  }));
  await home.publish(home.network.allow(...(builds as never[])));
});
afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  await home.stop();
});

/** A connection that takes no byte of any answer. */
async function mute(): Promise<ClientHttp2Session> {
  const ca = readFileSync(join(home.config.state_dir, "tls", "ca.pem"));
  const session = connect(`https://${home.running.grpc}`, { ca, settings: { initialWindowSize: 0 } });
  sessions.push(session);
  session.on("error", () => undefined);
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  return session;
}

/** Asks for the list, and waits until the answer has begun. */
async function ask(session: ClientHttp2Session): Promise<void> {
  const headers = { ":method": "POST", ":path": METHOD, "content-type": "application/grpc", te: "trailers" };
  const stream = session.request(headers);
  stream.on("error", () => undefined);
  const begun = new Promise((resolve) => stream.once("response", resolve));
  stream.end(ASK);
  await begun;
}

const list = (): Promise<unknown> => home.clients.metadata.getMetadata({ role: "targets" }, { timeoutMs: 10_000 });

test("peers that take nothing hold 32 large files at most, whoever asks further is told when to ask again", async () => {
  const connections = await Promise.all([mute(), mute()]);
  expect(connections[0]?.remoteSettings.maxConcurrentStreams).toBe(100);
  for (const connection of connections) for (let n = 0; n < 40; n += 1) await ask(connection);
  const refusal = await refused(list());
  expect([refusal.code, refusal.reason]).toEqual(["RESOURCE_EXHAUSTED", "OVERLOADED"]);
  expect(refusal.retryAfterMs).toBeGreaterThan(0);
  // What is small goes out all the while.
  await home.clients.metadata.getMetadata({ role: "timestamp" }, { timeoutMs: 10_000 });
  for (const connection of connections) connection.destroy();
  await until("a place is free", () => list().catch(() => undefined));
});

test("who reads gives its place back with each file", async () => {
  for (let n = 0; n < 70; n += 1) await list();
});

test("a connection that does not take its file in time is ended", async () => {
  const server = new Server({ interceptors: [new LargeFiles({ takenWithinMs: 200 }).interceptor] });
  const file = new Uint8Array(100_000);
  const never = async (): Promise<never> => Promise.reject(new Error("not asked for here"));
  const service: Implementation<typeof MetadataService, undefined> = {
    getMetadata: async () => create(GetMetadataResponseSchema, { file }),
    getMetadataStatus: never,
    publishMetadata: never,
    submitBrake: never,
  };
  bindService(
    server,
    MetadataService,
    service,
    () => undefined,
    () => undefined,
  );
  const port = await new Promise<number>((resolve, reject) => {
    const credentials = ServerCredentials.createInsecure();
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  const session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 0 } });
  sessions.push(session);
  session.on("error", () => undefined);
  const ended = new Promise((resolve) => session.once("close", resolve));
  await ask(session);
  await ended;
  server.forceShutdown();
});

test("over HTTP it is the same bound, for this call alone", async () => {
  const files = new LargeFiles({ underWayMax: 1 });
  const handler = files.bound((request, response) => void (request.url === METHOD || response.end("else")));
  const server = createServer(handler).listen(0, "127.0.0.1");
  await once(server, "listening");
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const first = new AbortController();
  const waiting = fetch(base + METHOD, { method: "POST", signal: first.signal }).catch(() => undefined);
  await once(server, "request");
  const second = await fetch(base + METHOD, { method: "POST" });
  expect([second.status, second.headers.get("retry-after")]).toEqual([429, "2"]);
  expect(await second.json()).toMatchObject({ code: "resource_exhausted" });
  expect(await (await fetch(`${base}/else`)).text()).toBe("else");
  first.abort();
  await waiting;
  const over = await until("the place is free", () => files.begin(() => undefined));
  over();
  server.closeAllConnections();
  server.close();
});
