import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MANIFEST_BYTES_MAX } from "./build-manifest.ts";
import { ManifestError } from "./errors.ts";
import { GOOD_MANIFEST, jsonBytes } from "./fixtures.ts";
import { parseManifest } from "./manifest.ts";

/** Code and field of the refusal; "accepted" where there is none. */
function refusal(document: unknown): string {
  return refusalOfBytes(jsonBytes(document));
}

function refusalOfBytes(bytes: Uint8Array): string {
  try {
    parseManifest(bytes);
    return "accepted";
  } catch (error) {
    if (error instanceof ManifestError) return `${error.code} ${error.field}`.trim();
    throw error;
  }
}

const [runtime, agent, server] = GOOD_MANIFEST.parts;
const withParts = (...more: object[]): object => ({ ...GOOD_MANIFEST, parts: [runtime, agent, server, ...more] });
const withPath = (path: unknown): object => withParts({ ...server, path });

describe("a manifest that is right", () => {
  test("is read as it is written", () => {
    expect(parseManifest(jsonBytes(GOOD_MANIFEST))).toEqual(GOOD_MANIFEST);
  });

  test("may say when it was built, in whole seconds", () => {
    expect(parseManifest(jsonBytes({ ...GOOD_MANIFEST, built_at_s: 1_767_225_600 })).built_at_s).toBe(1_767_225_600);
    for (const built_at_s of [-1, 0.5, "2026", null, 253_402_300_800]) {
      expect(refusal({ ...GOOD_MANIFEST, built_at_s })).toBe("VALUE_INVALID built_at_s");
    }
  });

  test("may hold 4,096 parts within its bytes", () => {
    const more = Array.from({ length: 4093 }, (_, n) => ({ ...server, path: `workload/f${n}` }));
    expect(refusal(withParts(...more))).toBe("accepted");
    expect(refusal(withParts(...more, { ...server, path: "workload/over" }))).toBe("VALUE_INVALID parts");
  });

  test("may have no workload, or one of hooks", () => {
    const trial = { health_timeout_ms: 1, soak_ms: 0 };
    const hooks = ["situation", "drain", "restore", "start", "stop"].map((name) => ({
      ...server,
      path: `hooks/${name}`,
      executable: true,
    }));
    const workload = { kind: "hooks", hooks_dir: "hooks", ...trial };
    expect(refusal({ ...GOOD_MANIFEST, workload: { kind: "none", ...trial } })).toBe("accepted");
    expect(refusal({ ...withParts(...hooks), workload })).toBe("accepted");
    expect(refusal({ ...withParts(...hooks.slice(1)), workload })).toBe("PART_UNKNOWN workload.hooks_dir");
    const plain = hooks.map((hook, index) => ({ ...hook, executable: index !== 4 }));
    expect(refusal({ ...withParts(...plain), workload })).toBe("PART_UNKNOWN workload.hooks_dir");
  });
});

describe("bytes that are no manifest", () => {
  test.each([
    ["nothing", new Uint8Array(), "NOT_JSON"],
    ["no JSON", Buffer.from("schema: moult"), "NOT_JSON"],
    ["a list", Buffer.from("[]"), "NOT_JSON"],
    ["null", Buffer.from("null"), "NOT_JSON"],
    ["a byte order mark", Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), jsonBytes(GOOD_MANIFEST)]), "NOT_JSON"],
    ["broken UTF-8 at the end", Buffer.concat([jsonBytes(GOOD_MANIFEST), Buffer.from([0xff])]), "NOT_JSON"],
    [
      "broken UTF-8 in a word",
      Buffer.from(JSON.stringify(GOOD_MANIFEST).replace("server.mjs", "\xff"), "latin1"),
      "NOT_JSON",
    ],
    ["something after the end", Buffer.concat([jsonBytes(GOOD_MANIFEST), Buffer.from("{}")]), "NOT_JSON"],
    ["deep nesting", Buffer.from("[".repeat(MANIFEST_BYTES_MAX)), "NOT_JSON"],
    ["another schema", jsonBytes({ ...GOOD_MANIFEST, schema: "moult/build/v2" }), "SCHEMA_UNKNOWN schema"],
  ])("%s", (_, bytes, expected) => {
    expect(refusalOfBytes(bytes)).toBe(expected);
  });

  test("a byte too many, and not one less", () => {
    const padded = (length: number): Uint8Array => {
      const bytes = new Uint8Array(length).fill(0x20);
      bytes.set(jsonBytes(GOOD_MANIFEST));
      return bytes;
    };
    expect(refusalOfBytes(padded(MANIFEST_BYTES_MAX))).toBe("accepted");
    expect(refusalOfBytes(padded(MANIFEST_BYTES_MAX + 1))).toBe("TOO_LARGE");
  });
});

describe("keys", () => {
  test.each(Object.keys(GOOD_MANIFEST).filter((key) => key !== "schema"))("without %s", (key) => {
    const { [key]: _, ...rest } = { ...GOOD_MANIFEST } as Record<string, unknown>;
    expect(refusal(rest)).toBe(`KEY_MISSING ${key}`);
  });

  test.each([
    [{ ...GOOD_MANIFEST, extra: 1 }, "KEY_UNKNOWN extra"],
    [{ ...GOOD_MANIFEST, platform: { os: "linux", arch: "x64", libc: "musl" } }, "KEY_UNKNOWN platform.libc"],
    [{ ...GOOD_MANIFEST, platform: { os: "linux" } }, "KEY_MISSING platform.arch"],
    [withParts({ ...server, path: "a", mode: 7 }), "KEY_UNKNOWN parts[3].mode"],
    [{ ...GOOD_MANIFEST, workload: { ...GOOD_MANIFEST.workload, hooks_dir: "h" } }, "KEY_UNKNOWN workload.hooks_dir"],
    [{ ...GOOD_MANIFEST, workload: { kind: "none" } }, "KEY_MISSING workload.health_timeout_ms"],
  ])("%#", (document, expected) => {
    expect(refusal(document)).toBe(expected);
  });

  test("a key named __proto__ is unknown and changes nothing", () => {
    const text = JSON.stringify(GOOD_MANIFEST).replace("{", '{"__proto__":{"extra":1},');
    expect(refusalOfBytes(Buffer.from(text))).toBe("KEY_UNKNOWN __proto__");
  });
});

describe("paths", () => {
  test.each([
    "",
    "/etc/passwd",
    "../up",
    "a/../b",
    "a/./b",
    "a//b",
    "a/",
    ".hidden",
    "a/.hidden",
    "a\\b",
    "C:/x",
    "a b",
    "a\0",
    "a\n",
    "ä",
    "x".repeat(201),
    7,
    null,
  ])("%j is refused", (path) => {
    expect(refusal(withPath(path))).toBe("PATH_INVALID parts[3].path");
  });

  test.each(["x".repeat(200), "a/b/c-d_e.f", "-x", "0"])("%j is a path", (path) => {
    expect(refusal(withPath(path))).toBe("accepted");
  });

  test.each(["workload/server.mjs", "Workload/Server.MJS", "workload/server.mjs/x", "RUNTIME/NODE/x"])(
    "%s would fall upon another part",
    (path) => {
      expect(refusal(withPath(path))).toBe("PATH_REPEATED parts[3].path");
    },
  );

  test("a folder's part after its own files", () => {
    expect(refusal(withPath("workload"))).toBe("PATH_REPEATED parts[2].path");
  });

  test("runtime and agent name parts", () => {
    expect(refusal({ ...GOOD_MANIFEST, runtime: "runtime/deno" })).toBe("PART_UNKNOWN runtime");
    expect(refusal({ ...GOOD_MANIFEST, agent: "agent/Agent.mjs" })).toBe("PART_UNKNOWN agent");
    expect(refusal({ ...GOOD_MANIFEST, agent: "../agent" })).toBe("PATH_INVALID agent");
  });
});

describe("values", () => {
  test.each([
    ["network", "Demo"],
    ["network", "-demo"],
    ["network", ""],
    ["version", ".1"],
    ["version", "v".repeat(65)],
    ["version", "1.0/2"],
    ["version", "1.0\n"],
    ["release_counter", 0],
    ["release_counter", -1],
    ["release_counter", 1.5],
    ["release_counter", "2"],
    ["release_counter", 2 ** 53],
    ["platform", "linux-x64"],
    ["from_versions", "1.0.0"],
    ["from_versions", ["1.0.0", "1.0.0"]],
    ["parts", []],
    ["parts", {}],
    ["platform", null],
  ])("%s: %j", (key, value) => {
    expect(refusal({ ...GOOD_MANIFEST, [key]: value })).toBe(`VALUE_INVALID ${key}`);
  });

  test.each([
    ["digest", "A".repeat(64)],
    ["digest", "a".repeat(63)],
    ["length_bytes", -1],
    ["length_bytes", 4_294_967_297],
    ["executable", 1],
  ])("a part's %s: %j", (key, value) => {
    expect(refusal(withParts({ ...server, path: "a", [key]: value }))).toBe(`VALUE_INVALID parts[3].${key}`);
  });

  test("one digest has one length", () => {
    expect(refusal(withParts({ ...server, path: "a", length_bytes: 7 }))).toBe(
      "PART_INCONSISTENT parts[3].length_bytes",
    );
  });

  test.each([
    ["kind", "docker", "kind"],
    ["command", [], "command"],
    ["command", [""], "command[0]"],
    ["command", ["node", "a\0b"], "command[1]"],
    ["health_timeout_ms", 0, "health_timeout_ms"],
    ["soak_ms", 3_600_001, "soak_ms"],
    ["soak_ms", null, "soak_ms"],
  ])("the workload's %s: %j", (key, value, field) => {
    const workload = { ...GOOD_MANIFEST.workload, [key]: value };
    expect(refusal({ ...GOOD_MANIFEST, workload })).toBe(`VALUE_INVALID workload.${field}`);
  });
});

test("whatever comes, it is read whole or refused with a typed error", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(...Object.keys(GOOD_MANIFEST)), (value, key) => {
      expect(refusal(value)).not.toBe("accepted");
      const outcome = refusal({ ...GOOD_MANIFEST, [key]: value });
      expect(outcome).toMatch(/^(accepted|[A-Z_]+ [\w.[\]]+|NOT_JSON)$/);
    }),
  );
});
