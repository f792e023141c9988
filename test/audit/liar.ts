/**
 * A log that lies as well as it can: takes entries, and works tiles, root and checkpoint out anew, with the log's own key.
 * It shares nothing with the code that checks: trees here are RFC 6962's definition, word for word.
 */
import { createHash, createPrivateKey, sign } from "node:crypto";
import type { CapturedLog, Resources } from "./served-log.ts";

const WIDTH = 256;

/** The entries of a captured log, in order. */
export function entriesOf({ resources, size }: CapturedLog): readonly Uint8Array[] {
  const entries: Uint8Array[] = [];
  for (let index = 0; index * WIDTH < size; index += 1) {
    const width = Math.min(WIDTH, size - index * WIDTH);
    const bytes = Buffer.from(resources.get(`tile/entries/${nameOf(index, width)}`) ?? []);
    for (let at = 0; at < bytes.length;) {
      const length = bytes.readUInt16BE(at);
      entries.push(bytes.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
  }
  return entries;
}

/** All that a log of these entries serves. */
export function forge(log: CapturedLog, entries: readonly Uint8Array[]): Resources {
  const resources: Resources = new Map();
  for (const [path, bytes] of log.resources) if (path.startsWith("body/")) resources.set(path, bytes);
  let hashes = entries.map((entry) => sha256(Buffer.of(0), entry));
  const root = rootOf(hashes);
  for (let index = 0; index * WIDTH < entries.length; index += 1) {
    const part = entries.slice(index * WIDTH, (index + 1) * WIDTH);
    const lengths = part.map((entry) => Buffer.concat([Buffer.of(entry.length >> 8, entry.length & 255), entry]));
    resources.set(`tile/entries/${nameOf(index, part.length)}`, Buffer.concat(lengths));
  }
  for (let level = 0; hashes.length > 0; level += 1) {
    const above: Buffer[] = [];
    for (let index = 0; index * WIDTH < hashes.length; index += 1) {
      const part = hashes.slice(index * WIDTH, (index + 1) * WIDTH);
      resources.set(`tile/${level}/${nameOf(index, part.length)}`, Buffer.concat(part));
      if (part.length === WIDTH) above.push(rootOf(part));
    }
    hashes = above;
  }
  resources.set("checkpoint", checkpoint(log, entries.length, root));
  return resources;
}

function checkpoint({ origin, vkey, privateKey }: CapturedLog, size: number, root: Uint8Array): Uint8Array {
  const text = `${origin}\n${size}\n${Buffer.from(root).toString("base64")}\n`;
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), privateKey]);
  const signature = sign(null, Buffer.from(text), createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
  const keyId = Buffer.from(/\+([0-9a-f]{8})\+/.exec(vkey)?.[1] ?? "", "hex");
  return Buffer.from(`${text}\n\u2014 ${origin} ${Buffer.concat([keyId, signature]).toString("base64")}\n`);
}

function nameOf(index: number, width: number): string {
  return `${String(index).padStart(3, "0")}${width === WIDTH ? "" : `.p/${width}`}`;
}

function rootOf(hashes: readonly Buffer[]): Buffer {
  if (hashes.length <= 1) return hashes[0] ?? sha256();
  let k = 1;
  while (k * 2 < hashes.length) k *= 2;
  return sha256(Buffer.of(1), rootOf(hashes.slice(0, k)), rootOf(hashes.slice(k)));
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  return createHash("sha256").update(Buffer.concat(parts)).digest();
}
