/** Deltas and packed parts: made into the build's folder, uploaded with it, and true. */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readHead, unpackChunk } from "@moult/delta";
import { digestOf } from "@moult/trust";
import { afterEach, beforeEach, expect, test } from "vitest";
import { buildRelease } from "../../build/build-release.ts";
import { temporaryFolders, writeFiles } from "../../testing/temporary-folder.ts";
import { type TestCoordinator, startTestCoordinator } from "../../testing/test-coordinator.ts";
import { runMoult } from "../../testing/test-ports.ts";

const folder = temporaryFolders();
const LINES = Array.from({ length: 2_000 }, (_, n) => `const line${n} = ${n * n};\n`).join("");
const AGENTS = { "1.0.0": LINES, "1.1.0": `${LINES}// changed once\n`, "2.0.0": `// changed twice\n${LINES}` };
type Version = keyof typeof AGENTS;

let coordinator: TestCoordinator;
beforeEach(async () => {
  coordinator = await startTestCoordinator();
  const release = { name: "releases/2.0.0", version: "2.0.0", releaseCounter: 2n };
  coordinator.answer("publishRelease", () => ({ release }));
});
afterEach(() => coordinator.stop());

async function build(version: Version, arch = "x64"): Promise<string> {
  const dir = writeFiles(folder(), { node: "a runtime", "agent.mjs": AGENTS[version] });
  const part = (path: string, file: string) => ({ path, file: join(dir, file), executable: false });
  const out = join(dir, "out");
  await buildRelease(
    {
      network: "demo",
      version,
      releaseCounter: 2,
      platform: { os: "linux", arch },
      fromVersions: [],
      runtime: "runtime/node",
      agent: "agent/agent.mjs",
      workload: { kind: "none" as const, health_timeout_ms: 1000, soak_ms: 0 },
      parts: [part("runtime/node", "node"), part("agent/agent.mjs", "agent.mjs")],
    },
    { out },
  );
  return out;
}

const digestOfAgent = (version: Version): string => digestOf(Buffer.from(AGENTS[version]));

test("each old form of a part gets a delta, and each part is packed where that pays", async () => {
  const [one, two, three] = [await build("1.0.0"), await build("1.1.0"), await build("2.0.0")];
  const words = ["release", "delta", "--from", one, "--from", two, "--from", one, "--to", three, "-o", "json"];
  const made = await runMoult(words);
  expect(made).toMatchObject({ code: 0, stderr: "" });
  const deltas = (["1.0.0", "1.1.0"] as const).map((from) => `${digestOfAgent(from)}-${digestOfAgent("2.0.0")}`);
  expect(readdirSync(join(three, "deltas")).toSorted()).toEqual(deltas.toSorted());
  expect(readdirSync(join(three, "packed"))).toEqual([digestOfAgent("2.0.0")]);
  const told = JSON.parse(made.stdout) as {
    deltas: { part: string; fromVersion: string | null; lengthBytes: number }[];
  };
  expect(told.deltas.map(({ part, fromVersion, lengthBytes }) => [part, fromVersion, lengthBytes !== null])).toEqual(
    expect.arrayContaining([
      ["agent/agent.mjs", null, true],
      ["agent/agent.mjs", "1.0.0", true],
      ["agent/agent.mjs", "1.1.0", true],
      ["runtime/node", null, false],
    ]),
  );
  const old = Buffer.from(AGENTS["1.0.0"]);
  const bytes = readFileSync(join(three, "deltas", deltas[0] ?? ""));
  expect(bytes.length).toBeLessThan(400);
  const [chunk] = readHead(bytes).chunks;
  if (chunk === undefined) throw new Error("a delta has a chunk");
  const fresh = unpackChunk(chunk, bytes.subarray(chunk.packedOffset), old.subarray(0, chunk.oldLength));
  expect(Buffer.from(fresh).toString()).toBe(AGENTS["2.0.0"]);
  const again = await runMoult(words);
  expect(again.stdout).toBe(made.stdout);
});

test("publishing makes deltas from the builds it is given, and uploads them after the parts, once", async () => {
  const [one, two] = [await build("1.0.0"), await build("2.0.0")];
  const words = ["release", "publish", two, "--from", one, "--state-dir", coordinator.stateDir];
  const first = await runMoult(words);
  expect(first).toMatchObject({ code: 0, stderr: "" });
  expect(first.stdout).toContain("2 of 2 deltas");
  const digest = digestOfAgent("2.0.0");
  expect([...coordinator.artifacts.deltas.keys()].toSorted()).toEqual([
    `deltas/${digestOfAgent("1.0.0")}-${digest}`,
    `packed/${digest}`,
  ]);
  const puts = coordinator.artifacts.requests.filter((line) => line.startsWith("PUT"));
  expect(puts.findIndex((line) => line.endsWith(`/${digest}`))).toBeGreaterThan(puts.indexOf(`PUT ${digest}`));
  expect((await runMoult(words)).stdout).toContain("0 of 2 deltas");
});

test("a part that was altered makes no delta, and platforms are not mixed", async () => {
  const [one, two, arm64] = [await build("1.0.0"), await build("2.0.0"), await build("1.1.0", "arm64")];
  const mixed = await runMoult(["release", "delta", "--from", arm64, "--to", two]);
  expect([mixed.code, mixed.stderr]).toEqual([2, expect.stringContaining("different platforms")]);
  writeFileSync(join(one, "parts", digestOfAgent("1.0.0")), "altered");
  const altered = await runMoult(["release", "delta", "--from", one, "--to", two]);
  expect(altered.code).toBe(6);
  const nowhere = await runMoult(["release", "delta", "--to", folder()]);
  expect([nowhere.code, nowhere.stderr]).toEqual([2, expect.stringContaining("holds no build")]);
});
