import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { generateKey } from "@moult/trust";
import { checkpointBytes, EMPTY_ROOT, formatVkey, signCheckpoint, verifierKey } from "@moult/trust/audit";
import { expect, test } from "vitest";
import { temporaryFolders } from "../testing/temporary-folder.ts";
import { runMoult } from "../testing/test-ports.ts";

const folder = temporaryFolders();
const LOG = generateKey(new Uint8Array(32).fill(1));
const KEY = formatVkey(verifierKey("a/log", "note", LOG.publicKey));
const WITNESS = formatVkey(verifierKey("w/a", "cosignature", LOG.publicKey));
const URL = "http://127.0.0.1:1/log";

test.each([
  ["no log", [], "Which log?"],
  ["no key", ["--log", URL], "Whose log?"],
  ["a key that is none", ["--log", URL, "--key", KEY.slice(0, -4)], "--key: The key"],
  [
    "a witness's key for the log's",
    ["--log", URL, "--key", WITNESS],
    "--key: The key is not an Ed25519 key for a note",
  ],
  ["no URL", ["--log", "here", "--key", KEY], "is not the URL of a log"],
  ["a file", ["--log", "file:///etc/passwd", "--key", KEY], "is not the URL of a log"],
  [
    "more witnesses than named",
    ["--log", URL, "--key", KEY, "--witness", WITNESS, "--quorum", "2"],
    "2 witnesses are wanted",
  ],
])("%s is a question of usage", async (_, args, message) => {
  const { code, stderr } = await runMoult(["audit", "verify", ...args]);
  expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
});

test("a log that nobody serves, that is not there, and one that is empty", async () => {
  const file = join(folder(), "log.vkey");
  writeFileSync(file, `${KEY}\n`);
  const empty = checkpointBytes(
    signCheckpoint({ origin: "a/log", size: 0, root: EMPTY_ROOT, extensions: [] }, LOG.privateKey),
  );
  const server = createServer((request, response) => {
    const isThere = request.url === "/log/checkpoint";
    response.writeHead(isThere ? 200 : 404).end(isThere ? empty : undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const verify = (log: string, ...more: readonly string[]) =>
    runMoult(["audit", "verify", "--log", log, "--key", file, ...more]);
  try {
    const { code, stdout } = await verify(`${url}/log/`, "-o", "json");
    expect([code, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ leaves: 0, origin: "a/log" })]);
    expect((await verify(`${url}/other`)).code).toBe(4);
    expect((await verify(`${url}/log`, "--witness", WITNESS)).code).toBe(6);
  } finally {
    server.closeAllConnections();
    server.close();
  }
  expect((await verify(`${url}/log`)).code).toBe(5);
});
