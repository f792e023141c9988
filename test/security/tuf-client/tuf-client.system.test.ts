/** The command as a process, against an HTTP mirror of Moult's own metadata. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { formatPublicKey, generateKey } from "@moult/trust";
import { initAllowlist, initRoot, publish, signFile } from "@moult/trust/tuf";

const PROGRAM = join(import.meta.dirname, "main.ts");
const DAY_MS = 86_400_000;
const files = new Map<string, Uint8Array>();
const server = createServer((request, response) => {
  const bytes = files.get(request.url ?? "");
  response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
});
let folder = "";
let base = "";

const [root, council, publisher] = [generateKey(), generateKey(), generateKey()];
const role = (key: typeof root) => ({ threshold: 1, keys: [formatPublicKey(key.publicKey)] });
const manifest = new TextEncoder().encode("a manifest");
const digest = createHash("sha256").update(manifest).digest("hex");

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "moult-tuf-client-"));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const nowMs = Date.now();
  const expiresMs = nowMs + DAY_MS;
  const rootFile = signFile(
    initRoot({
      network: "demo",
      expiresMs,
      roles: { root: role(root), targets: role(council), snapshot: role(publisher), timestamp: role(publisher) },
      breakers: [],
      serverKeys: { active: [], backup: [] },
    }),
    root.privateKey,
  );
  const platform = { os: "linux", arch: "x64" };
  const build = { digest, lengthBytes: manifest.length, platform, version: "1.0.0", releaseCounter: 1 };
  const add = [{ ...build, fromVersions: [], flags: new Map<string, boolean>() }];
  const targets = signFile(initAllowlist("demo", { expiresMs, add }), council.privateKey);
  const keys = [publisher.privateKey];
  const published = publish({
    root: rootFile,
    targets,
    snapshotKeys: keys,
    timestampKeys: keys,
    nowMs,
    snapshotLifetimeMs: DAY_MS,
  });
  await writeFile(join(folder, "first.json"), rootFile);
  files.set("/m/timestamp.json", published.timestamp);
  files.set("/m/1.snapshot.json", published.snapshot);
  files.set("/m/1.targets.json", targets);
  files.set(`/t/${digest}.${digest}`, manifest);
});

afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

function run(...words: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...words], { timeout: 60_000 }, (error) => {
      resolve(error === null ? 0 : Number(error.code));
    });
  });
}

test("init, refresh, download; an evil mirror gets nothing past it", async () => {
  const [metadata, targets] = [join(folder, "metadata"), join(folder, "targets")];
  const where = ["--metadata-dir", metadata, "--metadata-url", `${base}/m`];
  const what = ["--target-name", digest, "--target-base-url", `${base}/t`, "--target-dir", targets];
  expect(await run("--metadata-dir", metadata, "init", join(folder, "first.json"))).toBe(0);
  expect(await run(...where, "refresh")).toBe(0);
  expect((await readdir(metadata)).sort()).toEqual(["root.json", "snapshot.json", "targets.json", "timestamp.json"]);
  expect(await run(...where, ...what, "download")).toBe(0);
  expect(await readFile(join(targets, digest))).toEqual(Buffer.from(manifest));

  await rm(targets, { recursive: true });
  files.set(`/t/${digest}.${digest}`, manifest.toReversed());
  expect(await run(...where, ...what, "download")).toBe(1);
  await expect(readdir(targets)).rejects.toThrow(/ENOENT/);
  files.set("/m/timestamp.json", new Uint8Array(1_000_000));
  expect(await run(...where, "refresh")).toBe(1);
  expect(await run("--metadata-dir", metadata, "dance")).toBe(2);
  expect(await run("--help")).toBe(0);
});
