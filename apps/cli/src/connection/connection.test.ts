import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { temporaryFolders, writeFiles } from "../testing/temporary-folder.ts";
import { TEST_TOKEN, type TestCoordinator, startTestCoordinator } from "../testing/test-coordinator.ts";
import { type TestRun, runMoult } from "../testing/test-ports.ts";
import { readSettings } from "./settings.ts";

const folder = temporaryFolders();
let coordinator: TestCoordinator;
beforeAll(async () => {
  coordinator = await startTestCoordinator();
  coordinator.answer("getBrake", () => ({ brake: {} }));
});
afterAll(() => coordinator.stop());

function status(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<TestRun> {
  return runMoult(["brake", "status", "--timeout", "5s", ...args], { env });
}

/** A state folder of a coordinator that listens nowhere. */
function stateDir(name: string): string {
  return writeFiles(folder(), {
    "tls/ca.pem": `-----BEGIN CERTIFICATE-----\n${name}`,
    "operator.token": `${name}-token\n`,
    "endpoints.json": JSON.stringify({ grpc: `${name}:1`, artifacts: `https://${name}:2/`, pid: 1 }),
  });
}

test("flag, folder by flag, variable, folder by variable: the first that speaks is heard", () => {
  const [byFlag, byVariable] = [stateDir("flagged"), stateDir("variable")];
  const file = join(writeFiles(folder(), { token: "given" }), "token");
  const read = (options: object, env: Record<string, string>): object => readSettings({ timeout: 1, ...options }, env);
  expect(read({}, { MOULT_STATE_DIR: byVariable })).toEqual({
    address: "variable:1",
    artifactsUrl: "https://variable:2",
    caPem: "-----BEGIN CERTIFICATE-----\nvariable",
    token: "variable-token",
    timeoutMs: 1,
  });
  const env = { MOULT_STATE_DIR: byVariable, MOULT_COORDINATOR: "other:3", MOULT_TOKEN_FILE: file };
  expect(read({}, env)).toMatchObject({ address: "other:3", token: "given", artifactsUrl: "https://variable:2" });
  expect(read({ stateDir: byFlag }, env)).toMatchObject({ address: "flagged:1", token: "flagged-token" });
  expect(read({ stateDir: byFlag, coordinator: "[::1]:4" }, env)).toMatchObject({ address: "[::1]:4" });
  expect(read({ coordinator: "a:1", tokenFile: file }, { MOULT_STATE_DIR: "" })).toEqual({
    address: "a:1",
    artifactsUrl: undefined,
    caPem: undefined,
    token: "given",
    timeoutMs: 1,
  });
});

test("by address, authority and token, on the command line or in the environment", async () => {
  const { grpc } = JSON.parse(readFileSync(join(coordinator.stateDir, "endpoints.json"), "utf8")) as { grpc: string };
  const ca = join(coordinator.stateDir, "tls", "ca.pem");
  const token = join(coordinator.stateDir, "operator.token");
  expect(await status(["--coordinator", grpc, "--ca", ca, "--token-file", token])).toMatchObject({ code: 0 });
  const env = { MOULT_COORDINATOR: grpc.replace("127.0.0.1", "localhost"), MOULT_CA: ca, MOULT_TOKEN_FILE: token };
  expect(await status([], env)).toMatchObject({ code: 0, stderr: "" });

  const noAuthority = await status(["--coordinator", grpc, "--token-file", token]);
  expect(noAuthority.code).toBe(5);
  expect(noAuthority.stderr).toContain("certificate was not trusted");
  const wrongName = await status([
    "--coordinator",
    grpc.replace("127.0.0.1", "127.0.0.2"),
    "--ca",
    ca,
    "--token-file",
    token,
  ]);
  expect(wrongName.code).toBe(5);
});

test("another token is refused", async () => {
  const token = join(writeFiles(folder(), { token: `not-${TEST_TOKEN}` }), "token");
  const refused = await status(["--state-dir", coordinator.stateDir, "--token-file", token]);
  expect(refused).toMatchObject({ code: 3, stdout: "" });
  expect(refused.stderr).toContain("(CREDENTIALS_MISSING)\n  Give the operator's token");
});

test("a coordinator that does not answer is told from one that says no", async () => {
  const dir = stateDir("127.0.0.1");
  rmSync(join(dir, "tls"), { recursive: true });
  const token = join(dir, "operator.token");
  const gone = await runMoult(["brake", "status", "--coordinator", "127.0.0.1:1", "--token-file", token]);
  expect(gone.code).toBe(5);
  expect(gone.stderr).toMatch(/ECONNREFUSED[^]*Is it running/);
  expect(gone.stderr).not.toMatch(/^\s+at /m);
});

test("a state folder without a running coordinator", async () => {
  const dir = stateDir("a");
  rmSync(join(dir, "endpoints.json"));
  const gone = await status(["--state-dir", dir]);
  expect(gone.code).toBe(5);
  expect(gone.stderr).toContain("No coordinator runs on this folder");
});

test.each([
  ["no coordinator", [], "Which coordinator?"],
  ["nobody", ["--coordinator", "a:1"], "Who are you?"],
  ["an address that is none", ["--coordinator", "a"], '"a" is not an address'],
  ["a timeout that is none", ["--timeout", "5"], '--timeout: "5" is not a duration'],
])("%s", async (_, args, said) => {
  const refused = await status(args);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain(said);
});

test.each([
  ["endpoints.json", "{", "does not say where"],
  ["endpoints.json", "[]", "does not say where"],
  ["endpoints.json", '{"grpc":1,"artifacts":"x"}', "does not say where"],
  ["endpoints.json", "x".repeat(70_000), "is too large"],
  ["operator.token", "", "holds no token"],
  ["operator.token", "two\nlines", "holds no token"],
  ["tls/ca.pem", "nothing", "holds no certificate"],
])("%s with %j in it", async (file, text, said) => {
  const dir = stateDir("a");
  writeFileSync(join(dir, file), text);
  const refused = await status(["--state-dir", dir]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain(said);
});
