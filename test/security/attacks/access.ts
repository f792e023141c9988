/** Doors that nobody opened: methods without an entry in the table, roles by other names, paths that lead out. */
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DescMethod, type DescService, getOption, toBinary, create } from "@bufbuild/protobuf";
import * as v1 from "@moult/contracts/v1";
import { type Attack, must } from "../harness/attack.ts";
import { Fort, refusal } from "../harness/fort.ts";
import { releaseToAll } from "../harness/release.ts";
import { rawCall, rawHttp } from "../harness/wire.ts";

const isService = (thing: unknown): thing is DescService =>
  typeof thing === "object" && thing !== null && (thing as DescService).kind === "service";

const METHODS = (Object.values(v1) as readonly unknown[])
  .filter(isService)
  .flatMap((service) => service.methods.map((method) => ({ service, method })));

const accessOf = (method: DescMethod): v1.Access => getOption(method, v1.access);

const everyMethod: Attack = {
  row: "unlisted method",
  name: "no method lets in who has less than its entry in the table asks for",
  async run(scene) {
    const fort = await Fort.open(scene);
    const device = await fort.device();
    const { viewerToken } = fort.clients;
    const callers: readonly (readonly [who: string, bearer: string | undefined, access: v1.Access | undefined])[] = [
      ["nobody", undefined, undefined],
      ["a stranger", "guessed", undefined],
      ["a device", device.token, v1.Access.DEVICE],
      ["a viewer", viewerToken, v1.Access.VIEWER],
    ];
    let tried = 0;
    for (const { service, method } of METHODS) {
      const wanted = accessOf(method);
      for (const [who, bearer, has] of callers) {
        if (wanted === v1.Access.ANYONE || wanted === has) continue;
        const path = `/${service.typeName}/${method.name}`;
        const said = await rawCall(fort, { path, bytes: new Uint8Array(), ...(bearer !== undefined && { bearer }) });
        // A service that is in the contract and not served lets nobody in either.
        const denied = typeof said === "string" && /^(UNAUTHENTICATED|PERMISSION_DENIED|UNIMPLEMENTED) /.test(said);
        must(denied, `${who} was let in to ${method.name}`);
        tried += 1;
      }
    }
    must(tried > 60, `only ${tried} calls were tried`);
  },
  mutants: [
    {
      defence: "a lower role is refused",
      of: "coordinator",
      patches: [{ file: "rpc/access.ts", from: "if (covers(operator.roles, wanted)) return", to: "return" }],
      caught: /a viewer was let in/,
    },
    {
      defence: "a stranger's token is refused",
      of: "coordinator",
      patches: [
        {
          file: "rpc/access.ts",
          from: "return requireCover(whoOperates(operators, metadata, certificate, clock.now()), wanted);",
          to: "return { kind: 'operator', operator: { name: 'x', roles: ['admin'], overrideKeys: [] } };",
        },
      ],
      caught: /nobody was let in/,
    },
  ],
};

/** As if somebody had added a method and forgotten its entry in the table. */
const FORGOTTEN = {
  file: "rpc/access.ts",
  from: "return hasOption(method, access) ? getOption(method, access) : Access.UNSPECIFIED;",
  to: "return hasOption(method, access) && method.name !== 'ListReleases' ? getOption(method, access) : Access.UNSPECIFIED;",
};

const unlisted: Attack = {
  row: "unlisted method",
  name: "a method without an entry in the table is denied to everybody, and one that does not exist is no way around it",
  async run(scene) {
    const forgetful = { ...scene, patches: { coordinator: [FORGOTTEN, ...(scene.patches.coordinator ?? [])] } };
    const fort = await Fort.open(forgetful);
    const device = await fort.device();
    const { operatorToken, viewerToken } = fort.clients;
    const bytes = toBinary(v1.ListReleasesRequestSchema, create(v1.ListReleasesRequestSchema));
    for (const bearer of [undefined, device.token, viewerToken, operatorToken]) {
      const said = await rawCall(fort, {
        path: "/moult.v1.ReleaseService/ListReleases",
        bytes,
        ...(bearer !== undefined && { bearer }),
      });
      must(said === "PERMISSION_DENIED ACCESS_DENIED", `a method without an entry answered ${String(said)}`);
    }
    for (const path of [
      "/moult.v1.ReleaseService/listReleases",
      "/moult.v1.ReleaseService/ListReleases/",
      "/moult.v1.ReleaseService//ListReleases",
      "/moult.v1.releaseservice/ListReleases",
      "/grpc.health.v1.Health/../../moult.v1.ReleaseService/ListReleases",
      "/moult.v1.ReleaseService/%4cistReleases",
      "/moult.v2.ReleaseService/ListReleases",
      "/moult.v1.ReleaseService/constructor",
      "/moult.v1.ReleaseService/__proto__",
    ]) {
      const said = await rawCall(fort, { path, bytes, bearer: operatorToken });
      must(typeof said === "string" && said.startsWith("UNIMPLEMENTED"), `${path} answered ${String(said)}`);
    }
  },
  mutants: [
    {
      defence: "what has no entry is denied",
      of: "coordinator",
      patches: [
        {
          file: "rpc/access.ts",
          from: 'throw denied("nobody may call this method");',
          to: "return ANYONE;",
        },
      ],
      caught: /a method without an entry answered/,
    },
  ],
};

const roleNames: Attack = {
  row: "path and role-name tricks",
  name: "a role's or a resource's name written otherwise opens nothing",
  async run(scene) {
    const fort = await Fort.open(scene);
    const device = await fort.device();
    const { operatorToken, viewerToken, fleet, operator } = fort.clients;
    const bytes = toBinary(v1.ListNodesRequestSchema, create(v1.ListNodesRequestSchema));
    const path = "/moult.v1.FleetService/ListNodes";
    const tricks: readonly string[] = [
      `bearer ${operatorToken}`,
      `Bearer  ${operatorToken}`,
      `Bearer ${operatorToken} `,
      `Basic ${Buffer.from(`operator:${operatorToken}`).toString("base64")}`,
      `Bearer ${device.token}`,
      `Bearer ${operatorToken.slice(0, -1)}`,
      `Bearer ${operatorToken.toLowerCase()}`,
      "Bearer operator.token",
      "Bearer RELEASER",
      "Bearer 99",
    ];
    for (const authorization of tricks) {
      const said = await rawCall(fort, {
        path,
        bytes,
        headers: { authorization, role: "operator", "x-role": "admin" },
      });
      // Spaces at an end are no part of a header's value.
      if (authorization.trim() === `Bearer ${operatorToken}`) continue;
      must(
        said === "UNAUTHENTICATED CREDENTIALS_MISSING",
        `\`${authorization.slice(0, 20)}…\` answered ${String(said)}`,
      );
    }
    const told = await rawCall(fort, { path, bytes, bearer: viewerToken });
    must(typeof told !== "string", "the viewer's own token does not work, so that nothing was tested");
    const names = [
      "pools/../nodes",
      "pools/a/b",
      "pools/__proto__",
      "pools/",
      "pools/A",
      "nodes/home",
      "pools/a\0b",
      "pools/é",
    ];
    for (const pool of names) {
      const code = await refusal(
        fleet.createEnrollmentToken({ pool, uses: 1, ttlS: 60 }, operator),
        `there is a pool ${JSON.stringify(pool)} now`,
      );
      must(code === "INVALID_ARGUMENT FIELD_INVALID", `${pool}: refused as ${code}`);
    }
    for (const node of ["nodes/..", "nodes/__proto__", `${device.node}/../x`, `${device.node}\0`, "nodes/"]) {
      const code = await refusal(fleet.getNode({ name: node }, operator), `there is a node ${JSON.stringify(node)}`);
      must(code === "INVALID_ARGUMENT FIELD_INVALID", `${JSON.stringify(node)}: refused as ${code}`);
    }
    const none = await refusal(fleet.getNode({ name: "nodes/constructor" }, operator), "there is a node `constructor`");
    must(none === "NOT_FOUND NODE_UNKNOWN", `refused as ${none}`);
  },
  mutants: [
    {
      defence: "a token is compared whole",
      of: "coordinator",
      patches: [
        {
          file: "identity/operators.ts",
          from: 'return createHash("sha256").update(token).digest("hex");',
          to: 'return createHash("sha256").update(token.toLowerCase()).digest("hex");',
        },
      ],
      caught: /Bearer .* answered/,
    },
    {
      defence: "a name is of one form",
      of: "coordinator",
      patches: [{ file: "contracts/src/names.ts", from: "return ID.test(id) ? id : undefined;", to: "return id;" }],
      caught: /there is a pool|there is a node|refused as/,
    },
  ],
};

const SECRET = "a word that no stranger may read";

const paths: Attack = {
  row: "path and role-name tricks",
  name: "no path on the artifact and audit endpoints leads out of their shelves, to read or to write",
  async run(scene) {
    const fort = await Fort.open(scene);
    const build = await releaseToAll(fort);
    writeFileSync(join(fort.stateDir, "secret"), SECRET);
    const [part = ""] = build.parts.keys();
    const up = [
      "../secret",
      "..%2fsecret",
      "%2e%2e/secret",
      "..\\secret",
      "./../secret",
      "%2e%2e%2fsecret",
      "..;/secret",
    ];
    const targets = [
      ...up.flatMap((tail) =>
        ["parts", "packed", "deltas", "manifests", "audit", "audit/tile", "audit/body"].map(
          (at) => `/v1/${at}/${tail}`,
        ),
      ),
      `/v1/parts/${part}/../../secret`,
      `/v1/parts/${part}%00`,
      `/v1/parts/${part.toUpperCase()}`,
      `/v1/parts/${part}/`,
      `/v1//parts/${part}`,
      `//v1/parts/${part}`,
      "/v1/parts/.",
      "/v1/parts/.uploading-x",
      "/v1/audit/../../secret",
      "/v1/audit/log.key",
      "/v1/audit/tile/0/../../../secret",
      "/v1/audit/tile/-1/000",
      "/v1/audit/tile/0/x99999999999999999999",
      "/secret",
      "/state/secret",
      "https://elsewhere.example/v1/parts/../secret",
      "*",
    ];
    for (const target of targets) {
      const answer = await rawHttp(fort, `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      must(!answer.includes(SECRET), `GET ${target} read a secret`);
      must(/^HTTP\/1\.1 4\d\d /.test(answer), `GET ${target} was answered: ${answer.slice(0, 40)}`);
    }
    const before = listing(fort.stateDir);
    for (const target of up.flatMap((tail) => [`/v1/parts/${tail}`, `/v1/deltas/${tail}`, `/v1/packed/${tail}`])) {
      const head = `PUT ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${fort.clients.operatorToken}\r\nContent-Length: 3\r\n\r\nabc`;
      const answer = await rawHttp(fort, head);
      must(!answer.startsWith("HTTP/1.1 2"), `PUT ${target} was taken`);
    }
    must(readFileSync(join(fort.stateDir, "secret"), "utf8") === SECRET, "a file outside the shelves was overwritten");
    const more = [...listing(fort.stateDir)].filter((name) => !before.has(name));
    must(more.length === 0, `uploads left ${more.join(", ")}`);
    const whole = await rawHttp(fort, `GET /v1/parts/${part} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    must(whole.startsWith("HTTP/1.1 200 "), "the part itself is not served, so that nothing was tested");
  },
  mutants: [
    {
      defence: "a part's name is a digest, at the door and at the shelf",
      of: "coordinator",
      patches: [
        {
          file: "artifacts/endpoint.ts",
          from: "(manifests|parts|packed)\\/([0-9a-f]{64})|",
          to: "(manifests|parts|packed)\\/([^?]+)|",
        },
        { file: "artifacts/shelf.ts", from: "if (!this.#name.test(name)) return undefined;", to: "" },
      ],
      caught: /read a secret/,
    },
  ],
};

/** Everything below a folder that is no part of the store. */
function listing(folder: string): ReadonlySet<string> {
  return new Set(
    readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
      (name) => !name.startsWith("moult.db") && !name.startsWith("audit") && statSync(join(folder, name)).isFile(),
    ),
  );
}

export const access: readonly Attack[] = [everyMethod, unlisted, roleNames, paths];
