/** The publisher's work against a server that takes metadata as a device does. */
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { readOverrideStatement } from "@moult/contracts";
import { verifyStatement } from "@moult/trust/statement";
import { headIn, timestampIn } from "@moult/trust/tuf";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CeremonyTable } from "../../testing/ceremony.ts";
import { temporaryFolders } from "../../testing/temporary-folder.ts";
import { type TestCoordinator, startTestCoordinator } from "../../testing/test-coordinator.ts";
import { type TestMetadata, serveMetadata } from "../../testing/test-metadata.ts";
import { TEST_NOW_MS, type TestRun, type TestWorld } from "../../testing/test-ports.ts";

const HOUR_MS = 3_600_000;
const folder = temporaryFolders();
let coordinator: TestCoordinator;
let served: TestMetadata;
let t: CeremonyTable;
let nowMs: number;

beforeEach(async () => {
  nowMs = TEST_NOW_MS;
  coordinator = await startTestCoordinator();
  t = new CeremonyTable(folder());
  await t.network();
  served = serveMetadata(coordinator, t.read("root.json"), () => nowMs);
  await t.build("one", "1.0.0", 1);
  await t.done(["release", "allow", "./one", "--out", "./1.targets.json"]);
  await t.vote("./1.targets.json", "d", "e");
});
afterEach(() => coordinator.stop());

function moult(words: readonly string[], world: TestWorld = {}): Promise<TestRun> {
  return t.moult([...words, "--state-dir", coordinator.stateDir], { nowMs, ...world });
}

const PUBLISH = ["metadata", "publish", "--key", "./publisher.key", "--root", "./root.json"];
const RENEW = ["metadata", "renew", "--key", "./publisher.key", "--root", "./root.json"];

async function published(...more: readonly string[]): Promise<void> {
  const { code, stderr } = await moult([...PUBLISH, "--allowlist", "./1.targets.json", ...more]);
  if (code !== 0) throw new Error(stderr);
}

function timestampVersion(): number {
  return headIn(served.files.get("timestamp.json") ?? new Uint8Array()).version;
}

test("a list goes out with snapshot and timestamp, and status says until when it counts", async () => {
  expect((await moult(["metadata", "status"])).stdout).toContain("allowed");
  await published();
  expect([...served.files.keys()].toSorted()).toEqual([
    "1.root.json",
    "1.snapshot.json",
    "1.targets.json",
    "1.timestamp.json",
    "snapshot.json",
    "targets.json",
    "timestamp.json",
  ]);
  const status = await moult(["metadata", "status", "--root", "./root.json"]);
  expect(status).toMatchObject({ code: 0, stderr: "" });
  expect(status.stdout).toMatch(/allowlist\s+1\s+in 90d/);
  expect(status.stdout).toContain("here too");
});

test("a list without its quorum is not published, nor one that does not follow", async () => {
  await t.done(["release", "allow", "./one", "--from", "./1.targets.json", "--out", "./2.targets.json"]);
  await t.vote("./2.targets.json", "d");
  const few = await moult([...PUBLISH, "--allowlist", "./2.targets.json"]);
  expect(few.code).toBe(6);
  expect(few.stderr).toContain("SIGNATURES_TOO_FEW");
  expect(served.files.has("timestamp.json")).toBe(false);
  await t.vote("./2.targets.json", "e");
  expect((await moult([...PUBLISH, "--allowlist", "./2.targets.json"])).code).toBe(0);
  const old = await moult([...PUBLISH, "--allowlist", "./1.targets.json"]);
  expect(old.code).toBe(6);
  expect(old.stderr).toContain("version 2 is published");
});

test("only the publisher's key publishes", async () => {
  const words = ["metadata", "publish", "--allowlist", "./1.targets.json", "--root", "./root.json", "--key", "./d.key"];
  const refused = await moult(words);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain("None of these keys is the publisher's");
  expect((await moult(words.slice(0, -2))).stderr).toContain("Sign with what?");
  expect((await moult(["metadata", "publish", "--key", "./publisher.key"])).stderr).toContain("Which network's keys?");
});

test("a renewal is a new timestamp for the same snapshot, until the snapshot grows old", async () => {
  await published();
  nowMs += 6 * HOUR_MS;
  expect((await moult(RENEW)).stdout).toContain("timestamp 2");
  expect(headIn(served.files.get("snapshot.json") ?? new Uint8Array()).version).toBe(1);
  nowMs += 4 * 24 * HOUR_MS;
  expect((await moult(RENEW)).code).toBe(0);
  expect(headIn(served.files.get("snapshot.json") ?? new Uint8Array()).version).toBe(2);
});

test("a publisher that was away for weeks goes on", async () => {
  await published();
  nowMs += 30 * 24 * HOUR_MS;
  const stale = await moult(["metadata", "status", "--root", "./root.json"]);
  expect(stale.code).toBe(6);
  expect(stale.stderr).toContain("EXPIRED");
  expect((await moult(RENEW)).code).toBe(0);
  expect((await moult(["metadata", "status", "--root", "./root.json"])).code).toBe(0);
});

test("a timestamp names the brakes that hold, from the coordinator and straight from the breaker, and no others", async () => {
  const brake = async (name: string, key = "breaker", duration = "24h"): Promise<string> => {
    const words = ["brake", "sign", "--key", `./${key}.key`, "--network", "demo", "--reason", name, "--for", duration];
    return (await t.moult([...words, "--out", `./${name}.json`, "-o", "json"], { nowMs })).stdout;
  };
  const named = (): readonly string[] => timestampIn(served.files.get("timestamp.json") ?? new Uint8Array()).brakes;
  const digestOf = (printed: string): unknown => (JSON.parse(printed) as { digest?: unknown }).digest;
  const [shown, hidden] = [digestOf(await brake("shown")), digestOf(await brake("hidden"))];
  await brake("stranger", "d");
  await brake("short", "breaker", "1s");
  served.brakes.push(t.read("shown.json"));
  writeFileSync(t.path("junk.json"), "junk");
  const noBrakes = ["stranger", "short", "junk"].flatMap((name) => ["--brake", `./${name}.json`]);
  nowMs += 2_000;
  // Brakes come with a timestamp, so the first one knows none but those that are given.
  await published();
  expect(named()).toEqual([]);
  await published(...noBrakes);
  expect(named()).toEqual([shown]);
  await published("--brake", "./hidden.json", "--brake", "./shown.json");
  expect(new Set(named())).toEqual(new Set([shown, hidden]));
  expect((await moult([...RENEW, "--brake", "./hidden.json"])).code).toBe(0);
  expect(new Set(named())).toEqual(new Set([shown, hidden]));
  expect((await moult([...RENEW, "--brake", "./nothing.json"])).code).not.toBe(0);
  served.brakes.length = 0;
  nowMs += 24 * HOUR_MS;
  expect((await moult([...RENEW, "--brake", "./hidden.json", "--brake", "./shown.json"])).code).toBe(0);
  expect(named()).toEqual([]);
}, 20_000);

test("nothing is signed while the clock is behind", async () => {
  await published();
  nowMs -= HOUR_MS;
  const behind = await moult(RENEW);
  expect(behind.code).toBe(6);
  expect(behind.stderr).toContain("the clock is behind");
  expect(timestampVersion()).toBe(1);
});

test("with a memory, a coordinator that was put back does not get an old version signed again", async () => {
  await published("--memory", "./memory.json");
  const old = new Map(served.files);
  nowMs += HOUR_MS;
  expect((await moult([...RENEW, "--memory", "./memory.json"])).code).toBe(0);
  for (const [name, bytes] of old) served.files.set(name, bytes);
  const refused = await moult([...RENEW, "--memory", "./memory.json"]);
  expect(refused.code).toBe(6);
  expect(refused.stderr).toContain("ROLLED_BACK");
  // Without it the coordinator is believed, and devices would refuse what comes of it.
  writeFileSync(t.path("memory.json"), "{}");
  expect((await moult([...RENEW, "--memory", "./memory.json"])).stderr).toContain("is no publisher's memory");
});

test("the service outlasts a coordinator that is away, and a clock that is behind", async () => {
  await published();
  const end = new AbortController();
  const lines: Record<string, unknown>[] = [];
  let failing = true;
  const { files } = served;
  const kept = files.get("timestamp.json") ?? new Uint8Array();
  files.set("timestamp.json", new TextEncoder().encode("garbage"));
  const onOutput = (text: string): void => {
    lines.push(JSON.parse(text) as Record<string, unknown>);
    if ("failed" in (lines.at(-1) ?? {}) && failing) {
      failing = false;
      files.set("timestamp.json", kept);
    }
    if ("renewed" in (lines.at(-1) ?? {})) end.abort();
  };
  nowMs += HOUR_MS;
  const ran = await moult([...RENEW, "--every", "1h", "--memory", "./memory", "-o", "json"], {
    signal: end.signal,
    onOutput,
  });
  expect(ran.code).toBe(0);
  expect(lines.map((line) => Object.keys(line)[0])).toEqual(["failed", "renewed"]);
  expect(timestampVersion()).toBe(2);
});

test("the service does not begin with what waiting cannot mend", async () => {
  await published();
  const every = ["--every", "1h", "--memory", "./memory"];
  const wrong = await moult(["metadata", "renew", "--key", "./d.key", "--root", "./root.json", ...every]);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain("None of these keys is the publisher's");
  expect((await moult([...RENEW, "--every", "1h"])).stderr).toContain("Give it a memory");
  expect((await moult([...RENEW, "--every", "23h", "--memory", "./memory"])).stderr).toContain(
    "half of --timestamp-for",
  );
});

test("a stolen publisher's key is replaced, and versions that a thief drove up bind nobody", async () => {
  await published();
  t.key("fresh");
  const change = ["--drop", "publisher=./publisher.json", "--add", "publisher=./fresh.json"];
  await t.done(["root", "rotate", "--from", "./root.json", ...change, "--out", "./2.root.json"]);
  const sign = ["root", "sign", "./2.root.json", "--previous", "./root.json", "--yes", "--key"];
  for (const name of ["a", "b"]) await t.done([...sign, `./${name}.key`]);
  const roots = ["--root", "./root.json", "--root", "./2.root.json"];
  const again = await moult(["metadata", "publish", "--key", "./fresh.key", ...roots]);
  // The list is the published one, which the new root's council signed as well.
  expect(again.stderr).toContain("There is no allowlist");
  const whole = await moult([
    "metadata",
    "publish",
    "--key",
    "./fresh.key",
    ...roots,
    "--allowlist",
    "./1.targets.json",
  ]);
  expect(whole).toMatchObject({ code: 0 });
  expect(whole.stderr).toContain("versions begin at 1 again");
  expect(timestampVersion()).toBe(1);
  expect(served.files.has("2.root.json")).toBe(true);
  const thief = await moult(["metadata", "renew", "--key", "./publisher.key", "--root", "./root.json"]);
  expect(thief.code).toBe(2);
});

test("a mirror holds what is published and verified, and nothing else", async () => {
  await published();
  const brake = ["brake", "sign", "--key", "./breaker.key", "--network", "demo", "--reason", "smoke", "--for", "24h"];
  await t.done([...brake, "--out", "./brake.json"], { nowMs });
  expect((await moult(["brake", "submit", "./brake.json"])).stdout).toContain("smoke");
  served.brakes.push(new TextEncoder().encode("junk"));
  const mirror = await moult(["metadata", "mirror", "--out", "./web", "--root", "./root.json", "-o", "json"]);
  expect(mirror).toMatchObject({ code: 0, stderr: "" });
  const there = readdirSync(t.path("web/v1/metadata")).toSorted();
  expect(there).toEqual(["1.root.json", "1.snapshot.json", "1.targets.json", "brakes.json", "timestamp.json"]);
  const brakes = JSON.parse(readFileSync(t.path("web/v1/metadata/brakes.json"), "utf8")) as string[];
  expect(brakes).toEqual([Buffer.from(t.read("brake.json")).toString("base64")]);
  expect(timestampIn(t.read("web/v1/metadata/timestamp.json")).issuedMs).toBe(nowMs - (nowMs % 1000));
  served.files.set("timestamp.json", served.files.get("1.snapshot.json") ?? new Uint8Array());
  const before = readFileSync(t.path("web/v1/metadata/timestamp.json"));
  expect((await moult(["metadata", "mirror", "--out", "./web", "--root", "./root.json"])).code).toBe(6);
  expect(readFileSync(t.path("web/v1/metadata/timestamp.json"))).toEqual(before);
});

test("a mirror remembers: no older timestamp, and no brake that is hidden", async () => {
  await published();
  const mirror = ["metadata", "mirror", "--out", "./web", "--root", "./root.json"];
  const held = (): readonly Buffer[] =>
    (JSON.parse(readFileSync(t.path("web/v1/metadata/brakes.json"), "utf8")) as string[]).map((text) =>
      Buffer.from(text, "base64"),
    );
  const sign = ["brake", "sign", "--key", "./breaker.key", "--network", "demo", "--for", "24h", "--reason"];
  for (const name of ["one", "two", "three"]) await t.done([...sign, name, "--out", `./${name}.json`], { nowMs });
  const [one, two, three] = ["one", "two", "three"].map((name) => Buffer.from(t.read(`${name}.json`)));
  await moult(["brake", "submit", "./one.json"]);
  const old = served.files.get("timestamp.json") ?? new Uint8Array();
  await moult(["metadata", "renew", "--key", "./publisher.key", "--root", "./root.json"]);
  expect(await moult(mirror)).toMatchObject({ code: 0 });
  expect(held()).toEqual([one]);
  served.brakes.length = 0;
  expect(await moult([...mirror, "--brake", "./two.json"])).toMatchObject({ code: 0 });
  expect(held()).toEqual([two, one]);
  // A coordinator that lies about the rest as well does not keep a brake from the mirror.
  const newest = readFileSync(t.path("web/v1/metadata/timestamp.json"));
  served.files.set("timestamp.json", old);
  const refused = await moult([...mirror, "--brake", "./three.json"]);
  expect(refused).toMatchObject({ code: 6 });
  expect(refused.stderr).toContain("ROLLED_BACK");
  expect(readFileSync(t.path("web/v1/metadata/timestamp.json"))).toEqual(newest);
  expect(held()).toEqual([three, two, one]);
  served.files.set("timestamp.json", newest);
  const strangers = await moult([...mirror, "--brake", "./root.json"]);
  expect(strangers).toMatchObject({ code: 6 });
  expect(strangers.stderr).toContain("no brake that holds");
});

test("a brake's status shows both kinds, and a breaker's slips are refused", async () => {
  await published();
  coordinator.answer("getBrake", () => ({ brake: { engaged: false } }));
  const sign = [
    "brake",
    "sign",
    "--key",
    "./breaker.key",
    "--network",
    "demo",
    "--for",
    "24h",
    "--out",
    "./brake.json",
  ];
  expect((await t.moult([...sign, "--reason", " "])).code).toBe(2);
  expect((await t.moult([...sign, "--reason", "smoke", "--for", "8d"])).code).toBe(2);
  expect(existsSync(t.path("brake.json"))).toBe(false);
  const { digest } = await t.done([...sign, "--reason", "smoke"], { nowMs });
  expect((await t.moult([...sign, "--reason", "smoke"])).stderr).toContain("it exists already");
  await moult(["brake", "submit", "./brake.json"]);
  const status = await moult(["brake", "status"]);
  expect(status.stdout).toContain("released");
  expect(status.stdout).toContain(String(digest));
  const { signed } = JSON.parse((await moult(["brake", "status", "-o", "json"])).stdout) as {
    signed: { digest: string }[];
  };
  expect(signed.map((brake) => brake.digest)).toEqual([digest]);
});

test("an override is signed by its operator, and says what the request says", async () => {
  coordinator.answer("createOverride", () => ({
    override: { name: "overrides/o1", pool: "pools/home", deficitMaxRps: 40 },
  }));
  const publicKey = t.key("operator");
  const words = ["override", "create", "--pool", "home", "--node", "n1", "--reason", "storm", "--deficit-rps", "40"];
  const made = [...words, "--for", "10m", "--yes", "--key", "./operator.key"];
  expect((await moult(made)).stderr).toContain("Of which network?");
  expect((await moult([...made, "--network", "demo"])).code).toBe(0);
  const { request } = coordinator.calls.at(-1) ?? {};
  const { statement } = request as { statement: string };
  const rules = {
    kind: "override" as const,
    network: "demo",
    keys: [publicKey],
    threshold: 1,
    read: readOverrideStatement,
  };
  const { body, expiresMs } = verifyStatement(Buffer.from(statement, "base64"), { ...rules, nowMs });
  expect(body).toEqual({ pool: "home", nodes: ["n1"], reason: "storm", deficitMaxRps: 40, allowShardAndDomain: false });
  expect(expiresMs).toBe(nowMs + 600_000);
});
