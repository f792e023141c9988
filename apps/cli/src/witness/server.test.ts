import { join } from "node:path";
import { generateKey } from "@moult/trust";
import {
  REQUEST_BYTES_MAX,
  SIZE_CONTENT_TYPE,
  TreeEdge,
  addSignatures,
  checkpointBytes,
  formatAddCheckpoint,
  leafHash,
  openCosignature,
  parseSignatures,
  signCheckpoint,
  verifierKey,
} from "@moult/trust/audit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryFolders } from "../testing/temporary-folder.ts";
import { type WitnessMemory, openWitnessMemory } from "./memory.ts";
import { type RunningWitness, startWitness } from "./server.ts";

const folder = temporaryFolders();
const LOG = generateKey(new Uint8Array(32).fill(1));
const OTHER = generateKey(new Uint8Array(32).fill(2));
const WITNESS = generateKey(new Uint8Array(32).fill(3));
const ORIGIN = "moult.example/log";
const KEY = verifierKey("w.example/a", "cosignature", WITNESS.publicKey);

let path: string;
let memory: WitnessMemory;
let running: RunningWitness;
let failures: unknown[];
beforeEach(async () => {
  path = join(folder(), "seen.db");
  failures = [];
  await start();
});
afterEach(async () => {
  await running.stop();
  memory.close();
});

async function start(): Promise<void> {
  memory = openWitnessMemory(path);
  const logs = [verifierKey(ORIGIN, "note", LOG.publicKey)];
  const told = { onAnswer: () => {}, onFailure: (error: unknown) => void failures.push(error) };
  const parts = { name: KEY.name, privateKey: WITNESS.privateKey, logs, memory, now: () => 1_700_000_000_999, ...told };
  running = await startWitness(parts, "127.0.0.1", 0);
}

/** Trees of 1, 2, 3 … leaves; those of the two-faced log have another first leaf. */
function checkpoint(size: number, { key = LOG, origin = ORIGIN, first = "leaf 0" } = {}) {
  const edge = TreeEdge.of(0, () => undefined);
  edge.grow(Array.from({ length: size }, (_, n) => leafHash(Buffer.from(n === 0 ? first : `leaf ${n}`))));
  return signCheckpoint({ origin, size, root: edge.root(), extensions: [] }, key.privateKey);
}

async function post(body: Uint8Array, to = "/add-checkpoint", method = "POST") {
  const answer = await fetch(`${running.url}${to}`, {
    method,
    ...(method === "POST" ? { body: Buffer.from(body) } : {}),
  });
  return { status: answer.status, type: answer.headers.get("content-type"), text: await answer.text() };
}

/** From 1 leaf to 2 the proof is the second leaf alone. */
const add = (oldSize: number, what: ReturnType<typeof checkpoint>, proof: readonly Uint8Array[] = []) =>
  post(formatAddCheckpoint({ oldSize, proof, unverifiedNote: checkpointBytes(what) }));
const SECOND = leafHash(Buffer.from("leaf 1"));

test("growth is cosigned with the witness's time, and remembered over a restart", async () => {
  expect((await add(0, checkpoint(1))).status).toBe(200);
  await running.stop();
  memory.close();
  await start();
  const two = checkpoint(2);
  expect(await add(0, two)).toMatchObject({ status: 409, type: SIZE_CONTENT_TYPE, text: "1\n" });
  const { status, text } = await add(1, two, [SECOND]);
  expect(status).toBe(200);
  expect(openCosignature(addSignatures(two, parseSignatures(text)).note, KEY)).toEqual({
    name: KEY.name,
    timeS: 1_700_000_000,
  });
});

test("what is not growth is refused in the protocol's words, and changes nothing", async () => {
  await add(0, checkpoint(1));
  expect(await add(1, checkpoint(1, { first: "another" }))).toMatchObject({ status: 409, text: "1\n" });
  expect((await add(1, checkpoint(2, { first: "another" }), [SECOND])).status).toBe(422);
  expect((await add(1, checkpoint(2))).status).toBe(422);
  expect((await add(2, checkpoint(1))).status).toBe(400);
  expect((await add(1, checkpoint(2, { key: OTHER }), [SECOND])).status).toBe(403);
  expect((await add(1, checkpoint(2, { origin: "other" }), [SECOND])).status).toBe(404);
  expect((await post(Buffer.from("old 1\n"))).status).toBe(400);
  expect((await post(Buffer.of(), "/other")).status).toBe(404);
  expect((await post(Buffer.of(), "/add-checkpoint", "GET")).status).toBe(405);
  expect((await post(Buffer.alloc(REQUEST_BYTES_MAX + 1, 65))).status).toBe(413);
  expect(memory.last(ORIGIN)).toMatchObject({ size: 1 });
  expect((await add(1, checkpoint(2), [SECOND])).status).toBe(200);
  expect(failures).toEqual([]);
});

test("of two that come at once from the same size one is cosigned", async () => {
  await add(0, checkpoint(1));
  const [honest, other] = await Promise.all([add(1, checkpoint(2), [SECOND]), add(1, checkpoint(2), [SECOND])]);
  expect(new Set([honest.status, other.status])).toEqual(new Set([200, 409]));
});

test("a second witness on the same memory is refused", () => {
  expect(() => openWitnessMemory(path)).toThrow(
    expect.objectContaining({ kind: "USAGE", message: expect.stringContaining("another witness") }),
  );
});
