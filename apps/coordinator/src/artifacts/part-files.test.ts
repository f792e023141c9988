import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "@moult/trust";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PartFiles } from "./part-files.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "moult-parts-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const BYTES = Buffer.from("some bytes");

async function* source(chunks: readonly Uint8Array[], failure?: Error): AsyncGenerator<Uint8Array> {
  yield* chunks;
  if (failure !== undefined) throw failure;
}

test("leftovers of uploads that a crash cut are gone after a start; whole parts are not", () => {
  writeFileSync(join(folder, ".uploading-1"), "half");
  writeFileSync(join(folder, digestOf(BYTES)), BYTES);
  const parts = new PartFiles(folder);
  expect(readdirSync(folder)).toEqual([digestOf(BYTES)]);
  expect(parts.length(digestOf(BYTES))).toBe(BYTES.length);
});

test("fewer or more bytes than were announced are refused and leave nothing", async () => {
  const parts = new PartFiles(folder);
  const write = (length: number): Promise<string> => parts.write(digestOf(BYTES), length, source([BYTES]));
  expect(await write(BYTES.length + 1)).toBe("LENGTH_WRONG");
  expect(await write(BYTES.length - 1)).toBe("LENGTH_WRONG");
  expect(readdirSync(folder)).toEqual([]);
});

test("a full disk is told as such and leaves nothing; any other failure is passed on", async () => {
  const parts = new PartFiles(folder);
  const full = Object.assign(new Error("no space left"), { code: "ENOSPC" });
  expect(await parts.write(digestOf(BYTES), BYTES.length, source([BYTES], full))).toBe("DISK_FULL");
  const cut = new Error("the line was cut");
  await expect(parts.write(digestOf(BYTES), BYTES.length, source([BYTES], cut))).rejects.toBe(cut);
  expect(readdirSync(folder)).toEqual([]);
});

test("two uploads of one part at once both succeed", async () => {
  const parts = new PartFiles(folder);
  const write = (): Promise<string> => parts.write(digestOf(BYTES), BYTES.length, source([BYTES]));
  expect(await Promise.all([write(), write()])).toEqual(["STORED", "STORED"]);
  expect(readdirSync(folder)).toEqual([digestOf(BYTES)]);
});

test("a name that is no digest is never looked for on the disk", () => {
  expect(new PartFiles(folder).length("../../etc/passwd")).toBeUndefined();
});
