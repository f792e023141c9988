import { gunzipSync } from "node:zlib";
import { openCheckpoint, parseVkey, readBundle, readLeaf } from "@moult/trust/audit";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Store } from "../store/port.ts";
import { TestCoordinator } from "../testing/coordinator.ts";
import { until } from "../testing/wait.ts";

let home: TestCoordinator;
let size: number;
beforeAll(async () => {
  let store: Store | undefined;
  const around = (real: Store): Store => (store = real);
  home = await TestCoordinator.start({ config: { audit: { checkpoint_ms: 100 } }, around });
  await home.company();
  // Far more names than one entry holds.
  const override = {
    overrideId: "o",
    poolId: "home",
    nodeIds: Array.from({ length: 2_000 }, (_, n) => `a-node-with-a-long-name-${n}`),
    reason: "drill",
    deficitMaxRps: 1,
    allowShardAndDomain: false,
    expiresAtMs: 1,
  };
  await store?.commit({ changes: [{ kind: "override", override }], atMs: Date.now() });
  size = await until("all that was done is signed for", async () => {
    const { size } = await checkpoint();
    const { body } = await get(`tile/entries/000.p/${size}`);
    return body.includes('"kind":"override"') ? size : undefined;
  });
});
afterAll(() => home.stop());

const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  home.clients.http(method, `/v1/audit/${path}`, { headers });

async function checkpoint() {
  const { status, body, headers } = await get("checkpoint");
  if (status !== 200) return { size: 0, headers };
  const key = parseVkey(readFileSync(join(home.config.state_dir, "audit", "log.vkey"), "utf8").trim(), "note");
  return { ...openCheckpoint(body, key), headers };
}

test("the checkpoint is for everybody, and for a moment only", async () => {
  const { headers } = await checkpoint();
  expect([headers["content-type"], headers["cache-control"]]).toEqual([
    "text/plain; charset=utf-8",
    "public, max-age=1",
  ]);
});

test("tiles and bundles never change, and come in the width that was signed for", async () => {
  const tile = await get(`tile/0/000.p/${size}`);
  expect([tile.status, tile.body.length, tile.headers["content-type"]]).toEqual([
    200,
    32 * size,
    "application/octet-stream",
  ]);
  expect(tile.headers["cache-control"]).toContain("immutable");
  expect((await get("tile/0/000.p/3")).body).toEqual(tile.body.subarray(0, 96));
  for (const path of [
    `tile/0/000.p/${size + 100}`,
    "tile/0/000",
    "tile/1/000.p/1",
    "tile/0/0",
    "tile/0/../0",
    "",
    "x",
  ]) {
    expect([path, (await get(path)).status]).toEqual([path, 404]);
  }
  expect((await get(`tile/0/000.p/${size}`, {}, "HEAD")).body).toHaveLength(0);
  expect((await get("checkpoint", {}, "POST")).status).toBe(405);
});

test("entries are compressed for who asks for it, and a body too large for an entry stands beside them", async () => {
  const plain = await get(`tile/entries/000.p/${size}`, { "accept-encoding": "identity" });
  const zipped = await get(`tile/entries/000.p/${size}`, { "accept-encoding": "br, gzip" });
  expect(zipped.headers["content-encoding"]).toBe("gzip");
  expect(gunzipSync(zipped.body)).toEqual(plain.body);
  const leaves = readBundle(plain.body, size).map((entry) => readLeaf(entry));
  const override = leaves.find(({ kind }) => kind === "override");
  if (override === undefined || !("digest" in override.body)) throw new Error("the override stands in its entry");
  const { body, headers } = await get(`body/${override.body.digest}`);
  expect([body.length, headers["content-type"]]).toEqual([override.body.lengthBytes, "application/json"]);
  expect(JSON.parse(body.toString())).toMatchObject({ reason: "drill" });
});
