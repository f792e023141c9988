import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { type ClientCertificate, createClient, secureChannel } from "@moult/contracts";
import { FleetService } from "@moult/contracts/v1";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { hashOf } from "../identity/operators.ts";
import { type TestCertificate, makeCertificate } from "../testing/client-certificate.ts";
import { CALL_MS } from "../testing/clients.ts";
import { TestCoordinator, makeFolder } from "../testing/coordinator.ts";
import { refusalOf } from "../testing/refusal.ts";

const ROBOT = "r".repeat(43);
const NO_CREDENTIALS = "UNAUTHENTICATED CREDENTIALS_MISSING";
const DENIED = "PERMISSION_DENIED ACCESS_DENIED";
/** The connection was ended before any call was looked at. */
const SHUT_OUT = "UNAVAILABLE ";

let [alice, viewer, lisa, expired, stranger, authority, other]: TestCertificate[] = [];
let signed: TestCertificate;
let home: TestCoordinator | undefined;

beforeAll(async () => {
  [alice, viewer, lisa, stranger] = await Promise.all(Array.from({ length: 4 }, () => makeCertificate()));
  expired = await makeCertificate({ endsInHours: -1 });
  [authority, other] = await Promise.all([makeCertificate({ authority: true }), makeCertificate({ authority: true })]);
  signed = await makeCertificate({ by: authority });
});
afterEach(async () => {
  await home?.stop();
  home = undefined;
});
const folder = makeFolder();
afterAll(() => rmSync(folder, { recursive: true }));

function table(): Readonly<Record<string, object>> {
  const spki = (certificate: TestCertificate | undefined): string => certificate?.spkiSha256 ?? "";
  return {
    alice: { roles: ["operator"], certificate_spki_sha256: [spki(alice), spki(expired), spki(signed)] },
    vera: { roles: ["viewer"], certificate_spki_sha256: spki(viewer) },
    lisa: { roles: ["releaser"], certificate_spki_sha256: spki(lisa) },
    robot: { roles: ["releaser"], token_sha256: hashOf(ROBOT) },
  };
}

async function start(config: object = {}): Promise<TestCoordinator> {
  home = await TestCoordinator.start({ operators: table(), config: { operators: {}, ...config } });
  return home;
}

/** What becomes of an operator's call with this certificate on the operators' port, or on the devices'. */
async function call(
  at: TestCoordinator,
  own: ClientCertificate | undefined,
  { port = at.running.operators ?? "", bearer }: { readonly port?: string; readonly bearer?: string } = {},
): Promise<string> {
  const ca = readFileSync(join(at.config.state_dir, "tls", "ca.pem"));
  const channel = secureChannel(port, ca, own);
  const client = createClient(FleetService, port, channel.credentials, channel.options);
  try {
    const request = { pool: "pools/home", uses: 1, ttlS: 60 };
    await client.createEnrollmentToken(request, { timeoutMs: CALL_MS, ...(bearer === undefined ? {} : { bearer }) });
    return "DONE";
  } catch (error) {
    const { code, reason } = refusalOf(error);
    return `${code} ${reason}`;
  } finally {
    client.close();
  }
}

test("certificates are known by their key: who is in the table may do what the role covers, others are shut out", async () => {
  const at = await start();
  expect(await call(at, alice)).toBe("DONE");
  expect(await call(at, signed)).toBe("DONE");
  expect(await call(at, viewer)).toBe(DENIED);
  expect(await call(at, stranger)).toBe(SHUT_OUT);
  expect(await call(at, expired)).toBe(SHUT_OUT);
  expect(await call(at, undefined)).toBe(SHUT_OUT);
  expect(await call(at, undefined, { bearer: ROBOT })).toBe(SHUT_OUT);
});

test("the right name and the right certificate are nothing without the private key", async () => {
  const at = await start();
  const stolen = { certificatePem: alice?.certificatePem ?? "", keyPem: stranger?.keyPem ?? "" };
  await expect(call(at, stolen)).rejects.toThrow(/key values mismatch/);
});

test("where an authority signs certificates, the right key without its signature is shut out", async () => {
  const caFile = join(folder, "operators-ca.pem");
  writeFileSync(caFile, authority?.certificatePem ?? "");
  const at = await start({ operators_ca_file: caFile });
  expect(await call(at, signed)).toBe("DONE");
  // The same key, signed by another authority, and by itself.
  expect(await call(at, await makeCertificate({ keys: signed.keys, ...(other && { by: other }) }))).toBe(SHUT_OUT);
  expect(await call(at, await makeCertificate({ keys: signed.keys }))).toBe(SHUT_OUT);
  const late = await makeCertificate({ keys: signed.keys, endsInHours: -1, ...(authority && { by: authority }) });
  expect(await call(at, late)).toBe(SHUT_OUT);
  // The authority's signature for a key that is nobody's.
  expect(await call(at, await makeCertificate(authority && { by: authority }))).toBe(SHUT_OUT);
});

test("a certificate that ends while its connection lives is refused from then on", async () => {
  const at = await start();
  const port = at.running.operators ?? "";
  const ca = readFileSync(join(at.config.state_dir, "tls", "ca.pem"));
  const channel = secureChannel(port, ca, alice);
  const client = createClient(FleetService, port, channel.credentials, channel.options);
  await client.listPools({}, { timeoutMs: CALL_MS });
  at.putForward(25 * 3_600_000);
  const { code } = refusalOf(await client.listPools({}, { timeoutMs: CALL_MS }).catch((error: unknown) => error));
  expect(code).toBe("UNAUTHENTICATED");
  client.close();
});

test("on the port of devices a token of the table counts, a certificate does not, and no local token was made", async () => {
  const at = await start();
  const port = at.running.grpc;
  expect(await call(at, undefined, { port, bearer: ROBOT })).toBe("DONE");
  expect(await call(at, alice, { port })).toBe(NO_CREDENTIALS);
  expect(await call(at, undefined, { port, bearer: `${ROBOT}x` })).toBe(NO_CREDENTIALS);
  expect(at.clients.operatorToken).toBe("");
});

test("the JSON port takes a certificate or a token", async () => {
  const at = await start();
  const ca = readFileSync(join(at.config.state_dir, "tls", "ca.pem"));
  const post = (who: object, headers: Record<string, string> = {}): Promise<number> =>
    new Promise((resolve, reject) => {
      const url = `${at.running.json}/moult.v1.FleetService/ListPools`;
      const options = { method: "POST", ca, agent: false, ...who };
      const running = request(
        url,
        { ...options, headers: { "content-type": "application/json", ...headers } },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        },
      );
      running.on("error", reject);
      running.end("{}");
    });
  const as = (certificate: TestCertificate | undefined): object => ({
    cert: certificate?.certificatePem,
    key: certificate?.keyPem,
  });
  expect(await post(as(alice))).toBe(200);
  expect(await post({}, { authorization: `Bearer ${ROBOT}` })).toBe(200);
  for (const certificate of [stranger, expired, undefined]) expect(await post(as(certificate))).toBe(401);
});

test("uploads are a releaser's, by token or by certificate", async () => {
  const at = await start();
  const putAs = async (certificate: TestCertificate | undefined): Promise<number> => {
    const own = { cert: certificate?.certificatePem, key: certificate?.keyPem };
    const ca = readFileSync(join(at.config.state_dir, "tls", "ca.pem"));
    const headers = { "content-length": 4 };
    const options = { method: "PUT", ca, agent: false, headers, ...own } as const;
    return new Promise((resolve, reject) => {
      const running = request(`${at.running.artifacts}/v1/parts/${hashOf("part")}`, options, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      });
      running.on("error", reject);
      running.end("part");
    });
  };
  const put = async (authorization: string): Promise<number> =>
    (
      await at.clients.http("PUT", `/v1/parts/${hashOf("part")}`, {
        headers: { authorization },
        body: Buffer.from("part"),
      })
    ).status;
  expect(await put("Bearer no")).toBe(401);
  expect(await putAs(alice)).toBe(403);
  expect(await putAs(lisa)).toBe(201);
  expect(await putAs(stranger)).toBe(401);
  expect(await put(`Bearer ${ROBOT}`)).toBe(200);
});

test("read again, the table lets go whom it does not name any more; one that cannot be used changes nothing", async () => {
  const at = await start();
  const port = at.running.grpc;
  at.writeOperators("operators: {mallory: {roles: [admin], token_sha256: nonsense}}");
  at.running.reload();
  expect(await call(at, undefined, { port, bearer: ROBOT })).toBe("DONE");
  expect(at.logged.some(({ level, message }) => level === "error" && message.includes("stays as it was"))).toBe(true);
  at.writeOperators("operators: {}");
  at.running.reload();
  expect(await call(at, undefined, { port, bearer: ROBOT })).toBe(NO_CREDENTIALS);
  expect(await call(at, alice)).toBe(SHUT_OUT);
});

test("a table that the configuration names must be there: no local tokens take its place", async () => {
  const start = TestCoordinator.start({ config: { operators_file: "people.yaml" } });
  await expect(start).rejects.toThrow(/operators_file: .*people\.yaml is not there/);
});
