/** Building, without a coordinator. */
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BuildManifest, digestOf, parseManifest } from "@moult/trust";
import { describe, expect, test } from "vitest";
import { temporaryFolders, writeFiles } from "../../testing/temporary-folder.ts";
import { type TestRun, runMoult } from "../../testing/test-ports.ts";

const folder = temporaryFolders();

/** A folder with files to build from. */
function workshop(): string {
  return writeFiles(folder(), { node: "the runtime", "agent.mjs": "the agent", "server.mjs": "the server" });
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
