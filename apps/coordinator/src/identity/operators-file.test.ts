import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { formatPublicKey, generateKey } from "@moult/trust";
import { Access } from "@moult/contracts/v1";
import { afterEach, beforeEach, expect, test } from "vitest";
import { stringify } from "yaml";
import { readOperatorsFile } from "./operators-file.ts";
import { ROLES, type Role, covers } from "./roles.ts";

const [A, B] = ["a".repeat(64), "b".repeat(64)];

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "moult-operators-"));
  path = join(folder, "operators.yaml");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function read(table: unknown): ReturnType<typeof readOperatorsFile> {
  writeFileSync(path, typeof table === "string" ? table : stringify(table));
  return readOperatorsFile(path);
}

test("a table names operators with roles, credentials and a key; no file is no table", () => {
  expect(readOperatorsFile(path)).toBeUndefined();
  const key = formatPublicKey(generateKey().publicKey);
  const alice = { roles: ["operator", "releaser"], certificate_spki_sha256: A, key };
  const robot = { roles: ["publisher"], token_sha256: [A, B] };
  expect(read({ operators: { alice, "ci.robot": robot } })).toEqual([
    { name: "alice", roles: alice.roles, overrideKeys: [key], tokenHashes: [], certificateKeys: [A] },
    { name: "ci.robot", roles: ["publisher"], overrideKeys: [], tokenHashes: [A, B], certificateKeys: [] },
  ]);
  expect(read({ operators: {} })).toEqual([]);
});

test.each([
  ["", "(file)"],
  ["- a", "(file)"],
  ["operators: [", "cannot be read as YAML"],
  ["operators: {a: {roles: [viewer], token_sha256: x}}", "operators.a.token_sha256: a SHA-256"],
  [{ operators: { a: { roles: [], token_sha256: A } } }, "operators.a.roles: at least one role"],
  [{ operators: { a: { roles: ["root"], token_sha256: A } } }, "operators.a.roles.0: one of viewer, operator"],
  [{ operators: { a: { roles: ["viewer"] } } }, "operators.a: needs token_sha256 or certificate_spki_sha256"],
  [{ operators: { a: { roles: ["viewer"], token_sha256: A, role: "admin" } } }, "operators.a: Unrecognized key"],
  [{ operators: { "../a": { roles: ["viewer"], token_sha256: A } } }, "operators.../a: "],
  [{ operators: { a: { roles: ["viewer"], token_sha256: A, key: "0".repeat(64) } } }, "operators.a.key: an Ed25519"],
  [
    { operators: { a: { roles: ["viewer"], token_sha256: A }, b: { roles: ["admin"], token_sha256: A } } },
    "operators.b.token_sha256: is a's already",
  ],
])("what is wrong is named: %j", (table, said) => {
  expect(() => read(table)).toThrow(said);
});

test("a table with one change in its text is refused or names nobody new", () => {
  const good = stringify({ operators: { a: { roles: ["viewer"], token_sha256: A } } });
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.string({ minLength: 1, maxLength: 3 }), (at, text) => {
      try {
        const entries = read(good.slice(0, at) + text + good.slice(at + 1)) ?? [];
        for (const { roles } of entries) expect(roles).not.toContain("admin");
      } catch (error) {
        expect((error as Error).name).toBe("OperatorsFileError");
      }
    }),
  );
});

test("publishing and braking are covered by their own roles, and everything by admin alone", () => {
  const holders = (access: Access): readonly Role[] => ROLES.filter((role) => covers([role], access));
  expect(holders(Access.VIEWER)).toEqual(ROLES);
  expect(holders(Access.OPERATOR)).toEqual(["operator", "releaser", "admin"]);
  expect(holders(Access.RELEASER)).toEqual(["releaser", "admin"]);
  expect(holders(Access.PUBLISHER)).toEqual(["publisher", "admin"]);
  expect(holders(Access.BREAKER)).toEqual(["breaker", "admin"]);
  expect(holders(Access.ADMIN)).toEqual(["admin"]);
  for (const access of [Access.UNSPECIFIED, Access.ANYONE, Access.DEVICE]) expect(holders(access)).toEqual([]);
});
