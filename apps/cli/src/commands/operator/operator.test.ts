import { X509Certificate, createHash, createPrivateKey } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { RpcError, bindService } from "@moult/contracts";
import { ErrorReason, RolloutService } from "@moult/contracts/v1";
import { status } from "@grpc/grpc-js";
import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testCertificate } from "../../testing/certificate.ts";
import { temporaryFolders, writeFiles } from "../../testing/temporary-folder.ts";
import { runMoult } from "../../testing/test-ports.ts";

const folder = temporaryFolders();
const tls = testCertificate();
let out: string;
let server: Server;
let stateDir: string;

/** A coordinator that wants the certificate which `moult operator cert` made, and nothing else. */
beforeAll(async () => {
  out = join(folder(), "new");
  await runMoult(["operator", "cert", "--name", "alice", "--out", out], { nowMs: Date.now() });
  server = new Server();
  const own = new X509Certificate(readFileSync(join(out, "alice.pem"))).raw;
  const handlers: Record<string, unknown> = {};
  for (const method of RolloutService.methods) {
    handlers[method.localName] = () => Promise.resolve(create(method.output, { brake: {} }));
  }
  bindService(
    server,
    RolloutService,
    handlers as never,
    (_, metadata, _peer, certificate) => {
      if (metadata.get("authorization") === undefined && certificate && own.equals(certificate)) return "alice";
      throw new RpcError(status.UNAUTHENTICATED, ErrorReason.CREDENTIALS_MISSING, "not alice");
    },
    () => undefined,
  );
  const pair = { cert_chain: Buffer.from(tls.certificate), private_key: Buffer.from(tls.key) };
  const credentials = ServerCredentials.createSsl(readFileSync(join(out, "alice.pem")), [pair], true);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  const endpoints = { grpc: "127.0.0.1:1", operators: `127.0.0.1:${port}`, artifacts: "https://127.0.0.1:1", pid: 1 };
  stateDir = writeFiles(folder(), { "endpoints.json": JSON.stringify(endpoints), "tls/ca.pem": tls.certificate });
});
afterAll(() => server.forceShutdown());

const pair = (): readonly string[] => ["--cert", join(out, "alice.pem"), "--cert-key", join(out, "alice.key")];

test("a key for its owner's eyes only, and a certificate that is known by the hash that was printed", async () => {
  const made = await runMoult(["operator", "cert", "--name", "bob", "--out", out, "--for", "30d", "-o", "json"]);
  expect(made).toMatchObject({ code: 0, stderr: "" });
  const shown = JSON.parse(made.stdout) as Record<string, string>;
  const certificate = new X509Certificate(readFileSync(join(out, "bob.pem")));
  const spki = certificate.publicKey.export({ type: "spki", format: "der" });
  expect(shown["certificateSpkiSha256"]).toBe(createHash("sha256").update(spki).digest("hex"));
  expect(shown["notAfter"]).toBe(certificate.validToDate.toISOString());
  expect(certificate.checkPrivateKey(createPrivateKey(readFileSync(join(out, "bob.key"))))).toBe(true);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.ca).toBe(false);
  expect([statSync(out).mode & 0o777, statSync(join(out, "bob.key")).mode & 0o777]).toEqual([0o700, 0o600]);
});

test("what is there is never replaced, and a name that the table would refuse is refused here", async () => {
  const before = readFileSync(join(out, "alice.key"), "utf8");
  const again = await runMoult(["operator", "cert", "--name", "alice", "--out", out]);
  expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining("it exists already") });
  expect(readFileSync(join(out, "alice.key"), "utf8")).toBe(before);
  for (const name of ["../alice", "Alice", ""]) {
    expect(await runMoult(["operator", "cert", "--name", name, "--out", out])).toMatchObject({ code: 2 });
  }
});

test("with a certificate, calls go to the operators' port and carry no token", async () => {
  expect(await runMoult(["override", "list", "--state-dir", stateDir, ...pair()])).toMatchObject({
    code: 0,
    stderr: "",
  });
  const env = { MOULT_CERT: join(out, "alice.pem"), MOULT_CERT_KEY: join(out, "alice.key"), MOULT_STATE_DIR: stateDir };
  expect(await runMoult(["override", "list"], { env })).toMatchObject({ code: 0, stderr: "" });
});

test("a certificate without its key, or with another's, is called that", async () => {
  const [cert, certFile] = pair();
  const alone = await runMoult(["brake", "status", "--state-dir", stateDir, cert ?? "", certFile ?? ""]);
  expect(alone).toMatchObject({ code: 2, stderr: expect.stringContaining("needs its key") });
  const other = join(folder(), "other.key");
  writeFileSync(other, tls.key);
  const wrong = ["--cert", certFile ?? "", "--cert-key", other];
  const run = await runMoult(["brake", "status", "--state-dir", stateDir, ...wrong]);
  expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining("are no certificate and its key") });
});
