import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ConfigError, configJsonSchema, ledgerConfig, readConfig } from "./config.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "moult-config-"));
  path = join(folder, "coordinator.yaml");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const LEAST = { network: "demo", state_dir: "state", root_file: "root.json" };

function write(document: unknown): void {
  writeFileSync(path, typeof document === "string" ? document : stringify(document));
}

/** What is said of a configuration that cannot be used. */
function complaint(document: unknown, env: Readonly<Record<string, string>> = {}): string {
  write(document);
  try {
    readConfig(path, env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error("the configuration was taken");
}

test("the least that must be said is a network, a folder and a root", () => {
  write(LEAST);
  const config = readConfig(path, {});
  expect(config).toMatchObject({ network: "demo", grpc: { host: "127.0.0.1", port: 0 }, session_ttl_ms: 3_600_000 });
  expect(config.state_dir).toBe(join(process.cwd(), "state"));
  expect(ledgerConfig(config)).toMatchObject({ pool: { marginRatio: 0.15 }, retry: { capacityMs: 300_000 } });
});

test.each([
  ["a key that is missing", { ...LEAST, network: undefined }, "network:"],
  ["a key that there is not", { ...LEAST, netwrok: "demo" }, "netwrok"],
  ["a key that there is not, further in", { ...LEAST, grpc: { prot: 1 } }, "grpc:"],
  ["a number out of range", { ...LEAST, capacity: { permit_ttl_ms: 0 } }, "capacity.permit_ttl_ms:"],
  ["a number that is none", { ...LEAST, grpc: { port: "many" } }, "grpc.port:"],
  ["a name that is none", { ...LEAST, network: "Demo Network" }, "network: 1 to 63 of a-z"],
  ["a schedule that is none", { ...LEAST, maintenance_cron: "nightly" }, "maintenance_cron: a cron expression"],
  ["no root", { ...LEAST, root_file: undefined }, "root_file:"],
  ["a council, as before 0.2", { ...LEAST, council: { threshold: 1, keys: [] } }, "council: is not said here any more"],
  [
    "a witness's key that is none",
    { ...LEAST, audit: { witnesses: [{ url: "http://w.example", key: "w.example+00000000+AAAA" }] } },
    "audit.witnesses.0.key:",
  ],
  [
    "a witness's address that is none",
    { ...LEAST, audit: { witnesses: [{ url: "ftp://w.example", key: "" }] } },
    "audit.witnesses.0.url:",
  ],
  ["more witnesses wanted than there are", { ...LEAST, audit: { witnesses_min: 1 } }, "audit.witnesses_min:"],
  ["a log's name with a space", { ...LEAST, audit: { origin: "a log" } }, "audit.origin:"],
  ["checkpoints too far apart", { ...LEAST, audit: { checkpoint_ms: 10_000 } }, "audit.checkpoint_ms:"],
  ["a file that is a list", "- 1\n", "(file):"],
])("%s is refused, and its place is named", (_, document, place) => {
  expect(complaint(document)).toContain(`  ${place}`.replace("  netwrok", "netwrok"));
});

test("every problem is named at once", () => {
  const text = complaint({ ...LEAST, network: "X", session_ttl_ms: -1, log_level: "loud" });
  for (const key of ["network:", "session_ttl_ms:", "log_level:"]) expect(text).toContain(`  ${key}`);
});

test("what is no YAML, and what is not there, is said plainly", () => {
  expect(complaint("a: [1\n")).toContain("is not YAML");
  expect(() => readConfig(join(folder, "nowhere.yaml"), {})).toThrow(/cannot read the configuration .*ENOENT/);
});

test("the environment lies over the file, and is checked like it", () => {
  write(LEAST);
  const env = { MOULT_GRPC__PORT: "7443", MOULT_LOG_LEVEL: "warn", MOULT_UNRELATED: "x", PATH: "/bin" };
  expect(readConfig(path, env)).toMatchObject({ grpc: { port: 7443, host: "127.0.0.1" }, log_level: "warn" });
  expect(complaint(LEAST, { MOULT_GRPC__PORT: "70000" })).toContain("grpc.port:");
  expect(complaint(LEAST, { MOULT_GRPC__PORT: "[" })).toContain("MOULT_GRPC__PORT in the environment is not YAML");
});

test("the schema for editors names every key of the file", () => {
  const schema = configJsonSchema() as { readonly properties: object };
  expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(["network", "root_file", "capacity", "retry"]));
});
