import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SecretError, readOrMakeSecret } from "./secret-file.ts";

const RANDOM = { bytes: (count: number): Uint8Array => randomBytes(count), uuid: () => randomUUID() };

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "moult-secret-"));
  path = join(folder, "token");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a secret is made once, for its owner's eyes only, and nothing else is left", () => {
  const secret = readOrMakeSecret(path, RANDOM, "base64url");
  expect(secret).toMatch(/^[\w-]{43}$/);
  expect(readOrMakeSecret(path, RANDOM, "base64url")).toBe(secret);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(["token"]);
});

test("what a crash left of one that was being written does not stand in the way", () => {
  writeFileSync(`${path}.new`, "ha");
  expect(readOrMakeSecret(path, RANDOM, "hex")).toMatch(/^[0-9a-f]{64}$/);
});

test("an empty or short file is refused: it would let everybody in", () => {
  for (const text of ["", "\n", "admin", "x".repeat(42)]) {
    writeFileSync(path, text);
    expect(() => readOrMakeSecret(path, RANDOM, "hex")).toThrow(SecretError);
  }
});
