import { X509Certificate, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TlsError, ownTls, readTls } from "./certificate.ts";

const DAY_MS = 86_400_000;
const NAMES = ["localhost", "127.0.0.1", "::1"];
const NOW = Date.UTC(2026, 0, 1);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "moult-tls-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("the certificate is the authority's, for each name, and for a server only", async () => {
  const { ca, certificate } = await ownTls(folder, NAMES, NOW);
  const server = new X509Certificate(certificate);
  const authority = new X509Certificate(ca);
  expect(server.checkIssued(authority) && server.verify(authority.publicKey)).toBe(true);
  expect([server.checkHost("localhost"), server.checkIP("127.0.0.1"), server.checkIP("::1")]).toEqual([
    "localhost",
    "127.0.0.1",
    "::1",
  ]);
  expect([server.checkHost("example.org"), server.ca, authority.ca]).toEqual([undefined, false, true]);
});

test("a second start keeps it; other names, its coming end or another authority make a new one", async () => {
  const first = await ownTls(folder, NAMES, NOW);
  expect(await ownTls(folder, NAMES, NOW + DAY_MS)).toEqual(first);
  const renamed = await ownTls(folder, [...NAMES, "example.org"], NOW);
  expect(renamed.ca).toBe(first.ca);
  expect(new X509Certificate(renamed.certificate).checkHost("example.org")).toBe("example.org");
  const renewed = await ownTls(folder, [...NAMES, "example.org"], NOW + 320 * DAY_MS);
  expect(renewed.certificate).not.toBe(renamed.certificate);
  expect(renewed.ca).toBe(first.ca);
  rmSync(join(folder, "ca.key"));
  const anew = await ownTls(folder, [...NAMES, "example.org"], NOW + 320 * DAY_MS);
  expect(new X509Certificate(anew.certificate).verify(new X509Certificate(anew.ca).publicKey)).toBe(true);
});

test("the key outlives its certificate, and a spare takes over where it is put in its place", async () => {
  const first = await ownTls(folder, NAMES, NOW);
  const renewed = await ownTls(folder, NAMES, NOW + 320 * DAY_MS);
  expect(renewed.certificate).not.toBe(first.certificate);
  expect(renewed.key).toBe(first.key);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spare = privateKey.export({ type: "pkcs8", format: "pem" });
  writeFileSync(join(folder, "server.key"), spare);
  const other = await ownTls(folder, NAMES, NOW + 320 * DAY_MS);
  expect(other.key).toBe(spare);
  expect(new X509Certificate(other.certificate).checkPrivateKey(privateKey)).toBe(true);
  expect(new X509Certificate(other.certificate).verify(new X509Certificate(first.ca).publicKey)).toBe(true);
});

test("files that are missing, or do not belong together, are named by their key", async () => {
  await ownTls(folder, NAMES, NOW);
  const files = {
    ca_file: join(folder, "ca.pem"),
    cert_file: join(folder, "server.pem"),
    key_file: join(folder, "server.key"),
  };
  expect(readTls(files).certificate).toContain("BEGIN CERTIFICATE");
  expect(() => readTls({ ...files, ca_file: join(folder, "none.pem") })).toThrow(/^tls\.ca_file: .*cannot be read/);
  expect(() => readTls({ ...files, key_file: join(folder, "ca.key") })).toThrow(TlsError);
  writeFileSync(files.cert_file, "no certificate");
  expect(() => readTls(files)).toThrow(/^tls: .* are no certificate and its key/);
});
