/** Who operates: certificates, roles that stay apart, and overrides that somebody must have signed. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ClientCertificate, createClient, secureChannel } from "@moult/contracts";
import { FleetService } from "@moult/contracts/v1";
import { generateKey } from "@moult/trust";
import { type TestCertificate, makeCertificate } from "../../../apps/coordinator/src/testing/client-certificate.ts";
import { buildOf, enveloped } from "../../../apps/coordinator/src/testing/network.ts";
import { type SigningWish, signedOverride } from "../../../apps/coordinator/src/testing/override.ts";
import { refusalOf } from "../../../apps/coordinator/src/testing/refusal.ts";
import { type Attack, must } from "../harness/attack.ts";
import { Fort, refusal } from "../harness/fort.ts";
import { publishMetadata } from "../harness/release.ts";
import { BEYOND } from "../harness/rows.ts";

const CALL_MS = 10_000;

/** What becomes of an operator's call with this certificate. */
async function call(fort: Fort, port: string, own: ClientCertificate | undefined): Promise<string> {
  const channel = secureChannel(port, fort.ca, own);
  const client = createClient(FleetService, port, channel.credentials, channel.options);
  try {
    await client.createEnrollmentToken({ pool: "pools/home", uses: 1, ttlS: 60 }, { timeoutMs: CALL_MS });
    return "DONE";
  } catch (error) {
    const { code, reason } = refusalOf(error);
    return `${code} ${reason}`;
  } finally {
    client.close();
  }
}

const operatorOf = (...certificates: readonly TestCertificate[]): object => ({
  roles: ["operator"],
  certificate_spki_sha256: certificates.map(({ spkiSha256 }) => spkiSha256),
});

const certificates: Attack = {
  row: "path and role-name tricks",
  name: "a certificate that nobody put into the table, that has ended or is a viewer's operates nothing",
  async run(scene) {
    const [alice, viewer, stranger, other] = await Promise.all([
      makeCertificate(),
      makeCertificate(),
      makeCertificate(),
      makeCertificate({ authority: true }),
    ]);
    const expired = await makeCertificate({ endsInHours: -1 });
    const early = await makeCertificate({ endsInHours: -47 });
    // Its subject is the name of an operator, signed by somebody's authority: names count for nothing.
    const named = await makeCertificate({ by: other });
    const fort = await Fort.open(scene, {
      operators: {
        alice: operatorOf(alice, expired, early),
        vera: { roles: ["viewer"], certificate_spki_sha256: viewer.spkiSha256 },
      },
      config: { operators: {} },
    });
    const { operators = "", grpc } = fort.endpoints;
    must((await call(fort, operators, alice)) === "DONE", "an operator's certificate is not taken");
    for (const [who, certificate] of [
      ["a stranger's certificate", stranger],
      ["a certificate that ended", expired],
      ["a certificate that ended long ago", early],
      ["a viewer's certificate", viewer],
      ["a certificate of an unknown authority", named],
      ["no certificate", undefined],
    ] as const) {
      const said = await call(fort, operators, certificate);
      must(said !== "DONE", `${who} operated`);
      must(/^(UNAVAILABLE|UNAUTHENTICATED|PERMISSION_DENIED) /.test(said), `${who} was answered ${said}`);
    }
    const devices = await call(fort, grpc, alice);
    must(devices === "UNAUTHENTICATED CREDENTIALS_MISSING", `on the devices' port it was answered ${devices}`);
  },
  mutants: [
    {
      defence: "a key that is in no table is nobody's",
      of: "coordinator",
      patches: [
        {
          file: "identity/operators.ts",
          from: "? this.#byCertificate.get(key.spkiSha256) : undefined;",
          to: "? (this.#byCertificate.get(key.spkiSha256) ?? [...this.#byCertificate.values()][0]) : undefined;",
        },
      ],
      caught: /(a stranger's certificate|a certificate of an unknown authority) operated/,
    },
    {
      defence: "a certificate ends",
      of: "coordinator",
      patches: [{ file: "identity/client-key.ts", from: "&& nowMs <= notAfterMs;", to: ";" }],
      caught: /a certificate that ended operated/,
    },
  ],
};

const authority: Attack = {
  row: BEYOND,
  name: "where an authority vouches for operators, an operator's key without its signature operates nothing",
  async run(scene) {
    const [own, other] = await Promise.all([
      makeCertificate({ authority: true }),
      makeCertificate({ authority: true }),
    ]);
    const signed = await makeCertificate({ by: own });
    const foreign = await makeCertificate({ keys: signed.keys, by: other });
    const selfSigned = await makeCertificate({ keys: signed.keys });
    const late = await makeCertificate({ keys: signed.keys, by: own, endsInHours: -1 });
    const file = join(scene.root, "operators-ca.pem");
    writeFileSync(file, own.certificatePem);
    const fort = await Fort.open(scene, {
      operators: { alice: operatorOf(signed) },
      config: { operators: {}, operators_ca_file: file },
    });
    const { operators = "" } = fort.endpoints;
    must((await call(fort, operators, signed)) === "DONE", "an operator's certificate is not taken");
    for (const [who, certificate] of [
      ["another authority's signature", foreign],
      ["an own signature", selfSigned],
      ["a certificate that ended", late],
    ] as const) {
      must((await call(fort, operators, certificate)) !== "DONE", `${who} operated`);
    }
  },
  mutants: [
    {
      defence: "the authority's signature is asked for",
      of: "coordinator",
      patches: [
        {
          file: "tls/operator-listener.ts",
          from: "rejectUnauthorized: ca !== undefined,",
          to: "rejectUnauthorized: false,",
        },
        {
          file: "tls/operator-listener.ts",
          from: "if (operatorsCaPem !== undefined && !socket.authorized) return false;",
          to: "",
        },
      ],
      caught: /another authority's signature operated/,
    },
  ],
};

const apart: Attack = {
  row: BEYOND,
  name: "a publisher uploads, releases, dials and brakes nothing; an operator publishes nothing; a breaker only brakes",
  async run(scene) {
    const fort = await Fort.open(scene);
    const build = buildOf("2.0.0", 2);
    const { clients } = fort;
    const { fleet, metadata, releases, rollout, operator, publisher, breaker } = clients;
    const files = fort.network.allow(fort.network.entry(build.manifest));
    const dial = { release: "releases/2.0.0", setting: { case: "everyone" as const, value: {} } };
    const [[digest = "", part = new Uint8Array()] = []] = build.parts;
    const upload = async (bearer: string | undefined): Promise<unknown> => {
      const headers = { authorization: `Bearer ${bearer ?? ""}` };
      const { status } = await clients.http("PUT", `/v1/parts/${digest}`, { headers, body: part });
      if (status >= 400) throw Object.assign(new Error(String(status)), { code: 7 });
      return status;
    };
    const denied = async (who: string, what: string, tried: Promise<unknown>): Promise<void> => {
      const said = await refusal(tried, `${who} could ${what}`);
      must(said.startsWith("PERMISSION_DENIED"), `${who} could not ${what}, for another reason: ${said}`);
    };
    await denied("an operator", "publish metadata", metadata.publishMetadata({ files: [...files] }, operator));
    await denied("a breaker", "publish metadata", metadata.publishMetadata({ files: [...files] }, breaker));
    await publishMetadata(fort, files);
    for (const [who, is] of [
      ["a publisher", publisher],
      ["a breaker", breaker],
    ] as const) {
      await denied(who, "upload", upload(is.bearer));
      await denied(who, "release", releases.publishRelease({ signedManifests: [enveloped(build)] }, is));
      await denied(who, "turn the dial", rollout.setDial({ dial }, is));
      await denied(who, "brake as operators do", rollout.engageBrake({ reason: "x" }, is));
      await denied(who, "release a brake", rollout.releaseBrake({ reason: "x" }, is));
      await denied(who, "let nodes in", fleet.createEnrollmentToken({ pool: "pools/a", uses: 1, ttlS: 60 }, is));
    }
    await denied("an operator", "hand in a brake", metadata.submitBrake({ statement: new Uint8Array(1) }, operator));
    must((await upload(operator.bearer)) === 201, "a releaser cannot upload, so that nothing was tested");
  },
  mutants: [
    {
      defence: "publishing is a role of its own",
      of: "coordinator",
      patches: [
        {
          file: "identity/roles.ts",
          from: "publisher: [Access.VIEWER, Access.PUBLISHER],",
          to: "publisher: [Access.VIEWER, Access.PUBLISHER, Access.OPERATOR, Access.RELEASER],",
        },
      ],
      caught: /a publisher could upload/,
    },
    {
      defence: "operators publish nothing",
      of: "coordinator",
      patches: [
        {
          file: "identity/roles.ts",
          from: "releaser: [Access.VIEWER, Access.OPERATOR, Access.RELEASER],",
          to: "releaser: [Access.VIEWER, Access.OPERATOR, Access.RELEASER, Access.PUBLISHER],",
        },
      ],
      caught: /an operator could publish metadata/,
    },
  ],
};

const TTL_S = 600;
const HOUR_MS = 3_600_000;

const overrides: Attack = {
  row: "cross-type or cross-network signature",
  name: "an override that its operator did not sign, or signed as something else, overrides nothing",
  async run(scene) {
    const fort = await Fort.open(scene);
    const device = await fort.device();
    const { rollout, operator } = fort.clients;
    const wish = { pool: "pools/home", nodes: [device.node], reason: "drill", deficitMaxRps: 2 };
    const signed = (how: SigningWish = {}, what: Partial<typeof wish> = {}): ReturnType<typeof signedOverride> =>
      signedOverride({ ...wish, ...what }, TTL_S, how);
    const honest = signed();
    const brake = fort.network.brake(Buffer.from("x"), fort.network.keys.breaker);
    const broken = Uint8Array.from(honest.statement ?? []);
    broken[broken.length - 20] = (broken[broken.length - 20] ?? 0) ^ 1;
    const lies: readonly (readonly [what: string, request: ReturnType<typeof signedOverride>])[] = [
      ["without a signature", { ...honest, statement: new Uint8Array() }],
      ["by a stranger's key", signed({ key: generateKey() })],
      ["by a breaker's key", signed({ key: fort.network.keys.breaker })],
      ["by a council member's key", signed({ key: fort.network.keys.council[0] ?? generateKey() })],
      ["for another network", signed({ network: "other" })],
      ["that was signed for other nodes", signed({ said: { nodes: ["nodes/other"] } })],
      ["that was signed for another pool", signed({ said: { pool: "pools/other" } })],
      ["that was signed for less", signed({ said: { deficitMaxRps: 1 } })],
      ["that was signed for less time", signed({ saidTtlS: TTL_S - 1 })],
      ["of yesterday", signed({ issuedMs: Date.now() - 25 * HOUR_MS })],
      ["of tomorrow", signed({ issuedMs: Date.now() + HOUR_MS })],
      ["that is a brake", { ...honest, statement: brake }],
      ["with a flipped bit", { ...honest, statement: broken }],
    ];
    for (const [what, request] of lies) {
      const said = await refusal(rollout.createOverride(request, operator), `an override ${what} was taken`);
      must(said === "INVALID_ARGUMENT STATEMENT_INVALID", `an override ${what} was refused as ${said}`);
    }
    const { overrides: there } = await rollout.listOverrides({}, operator);
    must(there.length === 0, "there is an override that nobody signed");
    await rollout.createOverride(honest, operator);
  },
  mutants: [
    {
      defence: "the statement is held against the request",
      of: "coordinator",
      patches: [
        {
          file: "wire/override.ts",
          from: "return same.find(([, equal]) => !equal)?.[0];",
          to: "return same.length < 0 ? '' : undefined;",
        },
      ],
      caught: /an override that was signed for other nodes was taken/,
    },
    {
      defence: "a signature is the operator's",
      of: "coordinator",
      patches: [
        {
          file: "statement/statement.ts",
          from: "if (rules.threshold < 1 || signedBy.length < rules.threshold) {",
          to: "if (rules.threshold < 1) {",
        },
      ],
      caught: /an override by a stranger's key was taken/,
    },
    {
      defence: "a statement is of one network",
      of: "coordinator",
      patches: [
        {
          file: "statement/statement.ts",
          from: "if (content.network !== rules.network) {",
          to: "if (content.network === '') {",
        },
      ],
      caught: /an override for another network was taken/,
    },
  ],
};

export const operators: readonly Attack[] = [certificates, authority, apart, overrides];
