import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { RpcError } from "@moult/contracts";
import { ErrorReason } from "@moult/contracts/v1";
import { digestOf, formatEnvelope, parseEnvelope } from "@moult/trust";
import { afterEach, beforeEach, expect, test } from "vitest";
import { buildRelease } from "../../build/build-release.ts";
import { temporaryFolders, writeFiles } from "../../testing/temporary-folder.ts";
import { type TestCoordinator, startTestCoordinator } from "../../testing/test-coordinator.ts";
import { type TestRun, runMoult } from "../../testing/test-ports.ts";

const folder = temporaryFolders();
const TRIAL = { health_timeout_ms: 1000, soak_ms: 0 };
/** A signature as devices of 0.1 count them; nobody else looks at it. */
const BEFORE_0_2 = { keyId: "ab".repeat(32), signature: new Uint8Array(64) };
let coordinator: TestCoordinator;

beforeEach(async () => {
  coordinator = await startTestCoordinator();
  const release = { name: "releases/2.0.0", version: "2.0.0", releaseCounter: 2n };
  coordinator.answer("publishRelease", () => ({ release }));
});
afterEach(() => coordinator.stop());

async function signedBuild(arch: string, version = "2.0.0", agent = `agent for ${arch}`): Promise<string> {
  const dir = writeFiles(folder(), { node: `node for ${arch}`, "agent.mjs": agent, shared: "shared by all" });
  const part = (path: string, file: string) => ({ path, file: join(dir, file), executable: false });
  const parts = [
    part("runtime/node", "node"),
    part("agent/agent.mjs", "agent.mjs"),
    part("a", "shared"),
    part("b", "shared"),
  ];
  const input = {
    network: "demo",
    version,
    releaseCounter: 2,
    platform: { os: "linux", arch },
    fromVersions: [],
    runtime: "runtime/node",
    agent: "agent/agent.mjs",
    workload: { kind: "none" as const, ...TRIAL },
    parts,
  };
  const out = join(dir, "out");
  await buildRelease(input, { out });
  const envelope = { unverifiedPayload: readFileSync(join(out, "manifest.json")), signatures: [BEFORE_0_2] };
  writeFileSync(join(out, "signed.json"), formatEnvelope(envelope));
  return out;
}

function publish(...args: readonly string[]): Promise<TestRun> {
  return runMoult(["release", "publish", ...args, "--state-dir", coordinator.stateDir]);
}

test("parts that are missing go up once each, then the envelopes", async () => {
  const [x64, arm64] = [await signedBuild("x64"), await signedBuild("arm64")];
  const first = await publish(x64, arm64);
  expect(first).toMatchObject({ code: 0, stderr: "" });
  expect(first.stdout).toContain("5 of 5 parts uploaded");
  const texts = [...coordinator.artifacts.parts.values()].map(String).toSorted();
  expect(texts).toEqual(["agent for arm64", "agent for x64", "node for arm64", "node for x64", "shared by all"]);
  const envelopes = [x64, arm64].map((dir) => readFileSync(join(dir, "signed.json")).toString("base64"));
  expect(coordinator.calls).toEqual([{ method: "publishRelease", request: { signedManifests: envelopes } }]);

  coordinator.artifacts.requests.length = 0;
  const again = await publish(x64, arm64);
  expect(again.stdout).toContain("0 of 5 parts uploaded");
  expect(coordinator.artifacts.requests.filter((line) => line.startsWith("PUT"))).toEqual([]);
});

test("a build that nobody signed travels in an envelope without signatures", async () => {
  const dir = await signedBuild("x64");
  rmSync(join(dir, "signed.json"));
  expect(await publish(dir)).toMatchObject({ code: 0 });
  const [call] = coordinator.calls as readonly { readonly request: unknown }[];
  if (call === undefined) throw new Error("nothing was published");
  const { signedManifests } = call.request as { signedManifests: [string] };
  const envelope = parseEnvelope(Buffer.from(signedManifests[0], "base64"));
  expect(envelope.signatures).toEqual([]);
  expect(Buffer.from(envelope.unverifiedPayload)).toEqual(readFileSync(join(dir, "manifest.json")));
});

test("an endpoint that cannot say what it has is given everything", async () => {
  const dir = await signedBuild("x64");
  coordinator.artifacts.misbehaviour = "no-head";
  expect(await publish(dir)).toMatchObject({ code: 0 });
  expect(coordinator.artifacts.parts.size).toBe(3);
});

test("a part far larger than any buffer goes up whole", async () => {
  const agent = "0123456789abcdef".repeat(1_000_000);
  expect(await publish(await signedBuild("x64", "2.0.0", agent))).toMatchObject({ code: 0 });
  expect(coordinator.artifacts.parts.get(digestOf(Buffer.from(agent)))?.length).toBe(16_000_000);
});

test.each([
  ["refuse", 3, "answered 413: larger than part_bytes_max\uFFFD[2J"],
  ["fail", 5, "answered 503: disk is full"],
  ["cut", 5, "does not answer"],
] as const)(
  "an endpoint that does not take a part (%s): the release is not made known",
  async (misbehaviour, code, said) => {
    const dir = await signedBuild("x64");
    coordinator.artifacts.misbehaviour = misbehaviour;
    const published = await publish(dir);
    expect(published.code).toBe(code);
    expect(published.stderr).toContain(said);
    expect(coordinator.calls).toEqual([]);
  },
);

test("a part that was altered on disk does not leave the machine", async () => {
  const dir = await signedBuild("x64");
  writeFileSync(join(dir, "parts", digestOf(Buffer.from("agent for x64"))), "AGENT FOR X64");
  const published = await publish(dir);
  expect(published.code).toBe(6);
  expect(published.stderr).toContain("was altered");
  expect(coordinator.calls).toEqual([]);
});

test("folders that are not one release are told apart before anything goes up", async () => {
  const [x64, again, other] = [await signedBuild("x64"), await signedBuild("x64"), await signedBuild("arm64", "2.0.1")];
  expect((await publish(x64, again)).stderr).toContain("is a second build for linux-x64");
  expect((await publish(x64, other)).stderr).toContain("has the version 2.0.1");
  expect((await publish(folder())).stderr).toContain("holds no build");
  expect(coordinator.artifacts.requests).toEqual([]);
});

test("what the coordinator refuses is told with its reason and what to do", async () => {
  coordinator.answer("publishRelease", () => {
    throw new RpcError(status.FAILED_PRECONDITION, ErrorReason.BUILD_NOT_LISTED, "the list does not name it");
  });
  expect(await publish(await signedBuild("x64"))).toMatchObject({
    code: 3,
    stderr:
      "moult: the list does not name it (BUILD_NOT_LISTED)\n" +
      "  Have the council allow it: moult release allow DIR --from FILE, then moult metadata publish\n",
  });
});

test("the token goes nowhere but over https", async () => {
  const published = await publish(
    await signedBuild("x64"),
    "--artifacts",
    coordinator.artifacts.url.replace("https", "http"),
  );
  expect(published.code).toBe(2);
  expect(published.stderr).toContain("is not the URL of an artifact endpoint");
});

test("an endpoint whose certificate is not trusted gets nothing", async () => {
  const dir = await signedBuild("x64");
  const stranger = await startTestCoordinator();
  const published = await publish(dir, "--artifacts", stranger.artifacts.url);
  expect(published.code).toBe(5);
  expect(stranger.artifacts.requests).toEqual([]);
  await stranger.stop();
});
