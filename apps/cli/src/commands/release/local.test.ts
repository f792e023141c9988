/** Building, signing and verifying, without a coordinator. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type BuildManifest, digestOf, formatPublicKey, generateKey, parseManifest, writeKeyFile } from "@moult/trust";
import { describe, expect, test } from "vitest";
import { temporaryFolders, writeFiles } from "../../testing/temporary-folder.ts";
import { type TestRun, runMoult } from "../../testing/test-ports.ts";

const folder = temporaryFolders();

/** A folder with files to build from and three council keys. */
function workshop(): string {
  const dir = writeFiles(folder(), { node: "the runtime", "agent.mjs": "the agent", "server.mjs": "the server" });
  const keys = [1, 2, 3].map((n) => generateKey(new Uint8Array(32).fill(n)));
  for (const [index, key] of keys.entries()) {
    writeFileSync(join(dir, `${index}.key`), writeKeyFile(key.privateKey), { mode: 0o600 });
  }
  const lines = keys.map((key) => `  - "${formatPublicKey(key.publicKey)}"\n`);
  writeFileSync(join(dir, "council.yaml"), `threshold: 2\nkeys:\n${lines.join("")}`);
  return dir;
}

function build(dir: string, ...more: readonly string[]): Promise<TestRun> {
  const part = (path: string, file: string): string[] => ["--part", `${path}=${join(dir, file)}`];
  const args = ["release", "build", "--network", "demo", "--version", "2.0.0", "--counter", "2"];
  args.push(...part("runtime/node", "node"), ...part("agent/agent.mjs", "agent.mjs"));
  return runMoult([...args, "--out", join(dir, "out"), ...more]);
}

function manifestOf(dir: string): BuildManifest {
  return parseManifest(readFileSync(join(dir, "out", "manifest.json")));
}

describe("release build", () => {
  test("copies parts under their digests and names them in a manifest", async () => {
    const dir = workshop();
    const server = `workload/server.mjs=${join(dir, "server.mjs")}`;
    const command = [
      "--workload-command",
      "{slot}/runtime/node",
      "--workload-command=--flag",
      "--workload-command",
      "{slot}/workload/server.mjs",
    ];
    const made = await build(dir, "--from", "1.0.0", "--from", "1.1.0", "--part", server, ...command, "-o", "json");
    expect(made).toMatchObject({ code: 0, stderr: "" });
    const manifest = manifestOf(dir);
    expect(manifest).toMatchObject({
      network: "demo",
      version: "2.0.0",
      release_counter: 2,
      platform: { os: "linux", arch: "x64" },
      from_versions: ["1.0.0", "1.1.0"],
      workload: {
        kind: "work-service",
        command: ["{slot}/runtime/node", "--flag", "{slot}/workload/server.mjs"],
        health_timeout_ms: 10_000,
        soak_ms: 1000,
      },
    });
    expect(manifest.parts.map((p) => [p.path, p.length_bytes, p.executable])).toEqual([
      ["agent/agent.mjs", 9, false],
      ["runtime/node", 11, true],
      ["workload/server.mjs", 10, false],
    ]);
    for (const { digest } of manifest.parts) {
      expect(digestOf(readFileSync(join(dir, "out", "parts", digest)))).toBe(digest);
    }
    expect(readdirSync(join(dir, "out", "parts"))).toHaveLength(3);
    const answer = JSON.parse(made.stdout) as Record<string, unknown>;
    expect(answer["digest"]).toBe(digestOf(readFileSync(join(dir, "out", "manifest.json"))));
  });

  test("gives the same bytes for the same input in any order", async () => {
    const [one, two] = [workshop(), workshop()];
    await build(
      one,
      "--workload-kind",
      "none",
      "--part",
      `x=${join(one, "server.mjs")}`,
      "--part",
      `y=${join(one, "node")}`,
    );
    await build(
      two,
      "--part",
      `y=${join(two, "node")}`,
      "--part",
      `x=${join(two, "server.mjs")}`,
      "--workload-kind",
      "none",
    );
    expect(readFileSync(join(one, "out", "manifest.json"))).toEqual(readFileSync(join(two, "out", "manifest.json")));
  });

  test("links where it is told to", async () => {
    const dir = workshop();
    expect(await build(dir, "--workload-kind", "none", "--link")).toMatchObject({ code: 0 });
    const digest = digestOf(Buffer.from("the runtime"));
    expect(statSync(join(dir, "out", "parts", digest)).ino).toBe(statSync(join(dir, "node")).ino);
  });

  test("makes hooks executable without being told", async () => {
    const dir = workshop();
    const hooks = ["situation", "drain", "restore", "start", "stop", "lib.sh"];
    const parts = hooks.flatMap((name) => ["--part", `hooks/${name}=${join(dir, "server.mjs")}`]);
    expect(await build(dir, "--hooks-dir", "hooks", ...parts)).toMatchObject({ code: 0 });
    const executable = manifestOf(dir).parts.filter((part) => part.executable);
    expect(executable.map((part) => part.path).toSorted()).toEqual([
      "hooks/drain",
      "hooks/restore",
      "hooks/situation",
      "hooks/start",
      "hooks/stop",
      "runtime/node",
    ]);
    expect(readdirSync(join(dir, "out", "parts"))).toHaveLength(3);
  });

  test("never changes a build that is there, and clears away what an interrupted one left", async () => {
    const dir = workshop();
    mkdirSync(join(dir, "out", "parts"), { recursive: true });
    writeFileSync(join(dir, "out", "parts", "incoming-0"), "half");
    expect(await build(dir, "--workload-kind", "none")).toMatchObject({ code: 0 });
    expect(readdirSync(join(dir, "out", "parts"))).toHaveLength(2);
    const before = readFileSync(join(dir, "out", "manifest.json"));
    const again = await build(dir, "--workload-kind", "none", "--soak-ms", "7");
    expect(again.code).toBe(2);
    expect(again.stderr).toContain("holds a build already");
    expect(readFileSync(join(dir, "out", "manifest.json"))).toEqual(before);
  });

  test.each([
    ["no workload", [], "What does the box work on?"],
    ["two workloads", ["--workload-command", "x", "--hooks-dir", "h"], "either --workload-command or --hooks-dir"],
    ["a kind that is none", ["--workload-kind", "docker"], '"docker" is not work-service'],
    ["hooks without files", ["--hooks-dir", "hooks"], "wants an executable part hooks/situation"],
    ["a counter of 0", ["--workload-kind", "none", "--counter", "0"], '--counter: "0" is not a whole number'],
    ["a path that climbs", ["--workload-kind", "none", "--part", "../x=y"], "is not a relative path"],
    ["a part twice", ["--workload-kind", "none", "--part", "runtime/node=y"], "which was named before"],
    ["a part without a file", ["--workload-kind", "none", "--part", "x"], "not of the form PATH=FILE"],
    ["a file that is not there", ["--workload-kind", "none", "--part", "x=/none/x"], "/none/x: there is no such file"],
    ["a folder", ["--workload-kind", "none", "--part", "x=/"], "/ is not a file"],
    ["an executable that is no part", ["--workload-kind", "none", "--executable", "x"], "there is no part x"],
    ["an agent that is no part", ["--workload-kind", "none", "--agent", "x"], "is x, which is none of its parts"],
    ["a platform that is none", ["--workload-kind", "none", "--platform", "linux"], '"linux" is not a platform'],
    ["a network in capitals", ["--workload-kind", "none", "--network", "Demo"], "network must be"],
  ])("%s is refused before anything is written", async (_, more, said) => {
    const dir = workshop();
    const made = await build(dir, ...more);
    expect(made.code).toBe(2);
    expect(made.stderr).toContain(said);
    expect(existsSync(join(dir, "out"))).toBe(false);
  });

  test("shows progress to a person, and takes it away", async () => {
    const dir = workshop();
    let nowMs = 0;
    const args = ["--network", "demo", "--version", "2", "--counter", "2", "--workload-kind", "none"];
    const parts = [
      "--part",
      `runtime/node=${join(dir, "node")}`,
      "--part",
      `agent/agent.mjs=${join(dir, "agent.mjs")}`,
    ];
    const world = {
      tty: true,
      get nowMs() {
        return (nowMs += 1000);
      },
    };
    const made = await runMoult(["release", "build", ...args, ...parts, "--out", join(dir, "out")], world);
    expect(made.stderr).toContain("runtime/node  100%  11 B of 11 B");
    expect(made.stderr.endsWith("\r\u001B[2K")).toBe(true);
  });
});

describe("release sign and verify", () => {
  const sign = (dir: string, ...more: readonly string[]): Promise<TestRun> =>
    runMoult(["release", "sign", join(dir, "out"), ...more]);
  const verify = (dir: string): Promise<TestRun> =>
    runMoult(["release", "verify", join(dir, "out"), "--council", join(dir, "council.yaml")]);
  const signWith = (dir: string, n: number): Promise<TestRun> => sign(dir, "--key", join(dir, `${n}.key`));

  async function built(): Promise<string> {
    const dir = workshop();
    expect(await build(dir, "--workload-kind", "none")).toMatchObject({ code: 0 });
    return dir;
  }

  test("two of three approve; one does not", async () => {
    const dir = await built();
    expect((await verify(dir)).stderr).toContain("is not signed");
    await signWith(dir, 0);
    const early = await verify(dir);
    expect(early.code).toBe(6);
    expect(early.stderr).toContain("SIGNATURES_TOO_FEW");
    await signWith(dir, 0);
    expect((await verify(dir)).code).toBe(6);
    await signWith(dir, 2);
    const verified = await verify(dir);
    expect(verified).toMatchObject({ code: 0, stderr: "" });
    expect(verified.stdout).toContain("2 signatures, 2 needed");
  });

  test("members sign apart with nothing but the manifest, and are brought together", async () => {
    const dir = await built();
    const envelopes: string[] = [];
    for (const n of [1, 2]) {
      const desk = folder();
      writeFiles(desk, { "out/manifest.json": readFileSync(join(dir, "out", "manifest.json"), "utf8") });
      expect(await sign(desk, "--key", join(dir, `${n}.key`))).toMatchObject({ code: 0 });
      envelopes.push("--signed", join(desk, "out", "signed.json"));
    }
    const merged = await sign(dir, ...envelopes, "-o", "json");
    expect((JSON.parse(merged.stdout) as { signatures: string[] }).signatures).toHaveLength(2);
    expect((await verify(dir)).code).toBe(0);
  });

  test("signatures on another build are not taken in", async () => {
    const [dir, other] = [await built(), workshop()];
    await build(other, "--workload-kind", "none", "--soak-ms", "5");
    await signWith(other, 1);
    const merged = await sign(dir, "--signed", join(other, "out", "signed.json"));
    expect(merged.code).toBe(6);
    expect(merged.stderr).toContain("another build");
    expect(existsSync(join(dir, "out", "signed.json"))).toBe(false);
  });

  test("a manifest that was altered after signing is noticed", async () => {
    const dir = await built();
    await signWith(dir, 0);
    await signWith(dir, 1);
    const path = join(dir, "out", "manifest.json");
    writeFileSync(path, readFileSync(path, "utf8").replace('"soak_ms": 1000', '"soak_ms": 1001'));
    expect((await verify(dir)).code).toBe(6);
    expect((await signWith(dir, 2)).code).toBe(6);
  });

  test.each<[string, (part: string) => void, string]>([
    ["missing", (part) => rmSync(part), "is missing from the folder"],
    ["longer", (part) => appendFileSync(part, "!"), "has 10 bytes instead of 9"],
    ["shorter", (part) => truncateSync(part, 3), "has 3 bytes instead of 9"],
    ["altered", (part) => writeFileSync(part, "THE AGENT"), "was altered"],
  ])("a part that is %s is noticed", async (_, spoil, said) => {
    const dir = await built();
    await signWith(dir, 0);
    await signWith(dir, 1);
    spoil(join(dir, "out", "parts", digestOf(Buffer.from("the agent"))));
    const verified = await verify(dir);
    expect(verified.code).toBe(6);
    expect(verified.stderr).toContain(`The part agent/agent.mjs ${said}`);
  });

  test.each([
    ["not there", undefined, 2, "no such file"],
    ["no YAML", "a: [", 2, "is not YAML"],
    ["no council", "threshold: 1", 2, "is a list of public keys"],
    ["threshold 0", "threshold: 0\nkeys: []", 2, "threshold is 1 to"],
  ])("a council's file that is %s", async (_, text, code, said) => {
    const dir = await built();
    await signWith(dir, 0);
    rmSync(join(dir, "council.yaml"));
    if (text !== undefined) writeFileSync(join(dir, "council.yaml"), text);
    const verified = await verify(dir);
    expect(verified.code).toBe(code);
    expect(verified.stderr).toContain(said);
  });

  test("an envelope that is no envelope, and signing with nothing", async () => {
    const dir = await built();
    expect((await sign(dir)).stderr).toContain("Sign with what?");
    writeFileSync(join(dir, "junk.json"), "{}");
    expect(await sign(dir, "--signed", join(dir, "junk.json"))).toMatchObject({ code: 6 });
    expect((await sign(folder(), "--key", join(dir, "0.key"))).stderr).toContain("holds no build");
  });
});
