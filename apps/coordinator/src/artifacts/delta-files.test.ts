/** Deltas on the coordinator: taken from releasers, looked at before they get a name, served with Range. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { makeDelta } from "@moult/delta";
import { digestOf } from "@moult/trust";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestCoordinator } from "../testing/coordinator.ts";

const OLD = Buffer.from("an old part, line after line\n".repeat(400));
const NEW = Buffer.from(`${OLD.toString()}and one line more\n`);
const PAIR = `${digestOf(OLD)}-${digestOf(NEW)}`;

let home: TestCoordinator;
let delta: Buffer;
let packed: Buffer;

async function made(bytes: Uint8Array, old?: Uint8Array): Promise<Buffer> {
  const from = old && { digest: digestOf(old), bytes: old };
  const result = await makeDelta({ digest: digestOf(bytes), bytes }, from);
  return Buffer.concat(result?.pieces ?? []);
}

beforeAll(async () => {
  home = await TestCoordinator.start();
  [delta, packed] = [await made(NEW, OLD), await made(NEW)];
  await put(`parts/${digestOf(NEW)}`, NEW);
});
afterAll(() => home.stop());

function put(path: string, body: Uint8Array, token = home.clients.operatorToken): Promise<{ status: number }> {
  return home.clients.http("PUT", `/v1/${path}`, { body, headers: { authorization: `Bearer ${token}` } });
}

const onDisk = (kind: "deltas" | "packed"): readonly string[] => readdirSync(join(home.config.state_dir, kind)).sort();

test("a delta and a packed part are taken once and served, with Range", async () => {
  for (const [path, body] of [
    [`deltas/${PAIR}`, delta],
    [`packed/${digestOf(NEW)}`, packed],
  ] as const) {
    expect((await put(path, body)).status).toBe(201);
    expect((await put(path, body)).status).toBe(200);
    const whole = await home.clients.http("GET", `/v1/${path}`);
    expect([whole.status, whole.body.equals(body)]).toEqual([200, true]);
    const rest = await home.clients.http("GET", `/v1/${path}`, { headers: { range: "bytes=50-" } });
    expect([rest.status, rest.body.equals(body.subarray(50))]).toEqual([206, true]);
    expect((await home.clients.http("HEAD", `/v1/${path}`)).headers["content-length"]).toBe(String(body.length));
  }
});

test("what is no delta between these parts gets no name", async () => {
  const before = [onDisk("deltas"), onDisk("packed")];
  const other = digestOf(Buffer.from("another"));
  const cut = delta.subarray(0, -1);
  const longer = Buffer.concat([delta, Buffer.from("x")]);
  for (const [path, body] of [
    [`deltas/${other}-${digestOf(NEW)}`, delta],
    [`deltas/${other}-${digestOf(NEW)}`, cut],
    [`deltas/${other}-${digestOf(NEW)}`, longer],
    [`deltas/${other}-${digestOf(NEW)}`, packed],
    [`deltas/${other}-${digestOf(NEW)}`, Buffer.from("<html>")],
    [`deltas/${other}-${digestOf(NEW)}`, new Uint8Array()],
  ] as const) {
    expect((await put(path, body)).status).toBe(422);
  }
  expect((await put(`packed/${digestOf(NEW)}`, delta)).status).toBe(422);
  expect((await put(`deltas/${PAIR}`, cut)).status).toBe(422);
  expect((await put(`deltas/${PAIR}`, longer)).status).toBe(422);
  expect((await put(`deltas/${digestOf(NEW)}-${other}`, delta)).status).toBe(409);
  expect([onDisk("deltas"), onDisk("packed")]).toEqual(before);
});

test("uploading needs a releaser's token, and names are digests", async () => {
  expect((await put(`deltas/${PAIR}`, delta, home.clients.viewerToken)).status).toBe(403);
  expect((await put(`deltas/${PAIR}`, delta, "guessed")).status).toBe(401);
  const { http } = home.clients;
  expect((await http("GET", `/v1/deltas/${digestOf(NEW)}`)).status).toBe(404);
  expect((await http("GET", `/v1/packed/${PAIR}`)).status).toBe(404);
  expect((await http("GET", `/v1/parts/${PAIR}`)).status).toBe(404);
  expect((await http("GET", "/v1/deltas/..%2f..%2foperator.token")).status).toBe(404);
  expect((await http("DELETE", `/v1/deltas/${PAIR}`)).status).toBe(405);
});
