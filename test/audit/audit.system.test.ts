/**
 * A coordinator, witnesses and auditors, each a process of its own, through what happens to logs: growth, kill -9, and a
 * folder that comes back from a backup.
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeConfig } from "../../apps/coordinator/src/testing/coordinator.ts";
import { networkAt } from "../../apps/coordinator/src/testing/network.ts";
import { CoordinatorProcess } from "../../apps/coordinator/src/testing/process.ts";
import { WitnessProcess, moult, until } from "./processes.ts";

let folder: string;
let stateDir: string;
let running: CoordinatorProcess | undefined;
let witnesses: WitnessProcess[];
/** Whose root every start of a coordinator here goes by. */
const owners = networkAt();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "moult-audit-system-"));
  stateDir = join(folder, "state");
  running = undefined;
  witnesses = [];
});
afterEach(async () => {
  await running?.end("SIGKILL");
  await Promise.all(witnesses.map((witness) => witness.kill()));
  rmSync(folder, { recursive: true, force: true });
});

/** Starts a coordinator whose log is cosigned by these witnesses. */
async function coordinator(audit: object = {}): Promise<CoordinatorProcess> {
  rmSync(join(stateDir, "endpoints.json"), { force: true });
  const config = writeConfig(folder, { audit: { checkpoint_ms: 100, ...audit } }, owners);
  running = new CoordinatorProcess(["--config", config]);
  await until("the coordinator has begun to serve", () =>
    existsSync(join(stateDir, "endpoints.json")) ? true : undefined,
  );
  await running.serves(stateDir);
  return running;
}

/** Makes a witness's key, and starts it for the coordinator's log. */
async function witness(
  name: string,
  listen = "127.0.0.1:0",
): Promise<{ readonly url: string; readonly key: string; readonly process: WitnessProcess }> {
  const key = join(folder, `${name}.key`);
  if (!existsSync(key)) expect((await moult("key", "generate", "--out", key)).code).toBe(0);
  const vkey = (await moult("witness", "key", "--name", name, "--key", key)).stdout.trim();
  const log = join(stateDir, "audit", "log.vkey");
  const memory = join(folder, `${name}.db`);
  const started = new WitnessProcess([
    "--name",
    name,
    "--key",
    key,
    "--log",
    log,
    "--memory",
    memory,
    "--listen",
    listen,
  ]);
  witnesses.push(started);
  return { url: await started.serves(), key: vkey, process: started };
}

/** Turns the brake on, or off: each leaves a leaf. */
async function brake(process: CoordinatorProcess, on: boolean, reason: string): Promise<void> {
  const { rollout, operator } = process.clients;
  await (on ? rollout.engageBrake({ reason }, operator) : rollout.releaseBrake({ reason }, operator));
}

/** Verifies until the log has grown to `leaves`; a log without a checkpoint is one that is still to come. */
function verified(leaves: number, ...args: readonly string[]): Promise<Record<string, unknown>> {
  return until(`${leaves} leaves are verified`, async () => {
    const { code, stdout, stderr } = await moult("audit", "verify", "--state-dir", stateDir, "-o", "json", ...args);
    // Witnesses have a moment to cosign.
    if (code === 4 || stderr.includes("WITNESSES_TOO_FEW")) return undefined;
    expect(code, stderr).toBe(0);
    const answer = JSON.parse(stdout) as Record<string, unknown>;
    return Number(answer["leaves"]) >= leaves ? answer : undefined;
  });
}

test("a log is verified, followed, exported and proven from outside, across kill -9", async () => {
  let process = await coordinator();
  await brake(process, true, "one");
  const seen = join(folder, "seen");
  const first = await verified(1, "--checkpoint", seen, "--network", "demo");
  expect(first).toMatchObject({ origin: "moult/demo/audit", consistentWith: null });
  await brake(process, false, "two");
  await process.end("SIGKILL");
  process = await coordinator();
  await brake(process, true, "three");
  const leaves = Number(first["leaves"]) + 2;
  expect(await verified(leaves, "--checkpoint", seen)).toMatchObject({
    consistentWith: first["leaves"],
    pools: { "*": leaves },
  });
  const here = ["--state-dir", stateDir, "-o", "json"];
  const tail = await moult("audit", "tail", ...here, "--last", "2", "--count", "2");
  expect(
    tail.stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { body: { reason: string } }).body.reason),
  ).toEqual(["two", "three"]);
  const out = join(folder, "history.jsonl");
  expect(await moult("audit", "export", ...here, "--out", out)).toMatchObject({ code: 0 });
  expect(readFileSync(out, "utf8").trim().split("\n")).toHaveLength(leaves);
  const proof = JSON.parse((await moult("audit", "prove", "0", ...here)).stdout) as Record<string, unknown>;
  expect(proof).toMatchObject({ size: leaves, leaf: { index: 0, kind: "metadata" } });
  const key = JSON.parse((await moult("audit", "key", ...here)).stdout) as { readonly vkey: string };
  expect(`${key.vkey}\n`).toBe(readFileSync(join(stateDir, "audit", "log.vkey"), "utf8"));
  // Another key than the log's own.
  const other = join(folder, "other.key");
  await moult("key", "generate", "--out", other);
  const stranger = (await moult("witness", "key", "--name", "moult/demo/audit", "--key", other)).stdout.trim();
  expect((await moult("audit", "verify", "--state-dir", stateDir, "--key", stranger)).code).toBe(2);
  // A log that shows less than was seen.
  writeFileSync(seen, readFileSync(seen, "utf8").replace(/\n\d+\n/, "\n999\n"));
  expect((await moult("audit", "verify", "--state-dir", stateDir, "--checkpoint", seen)).code).toBe(6);
});

test("witnesses cosign growth, and remember across kill -9; a folder brought back whole is found by them alone", async () => {
  const bare = await coordinator();
  await brake(bare, true, "one");
  await bare.end("SIGTERM");
  const [alice, bob] = [await witness("alice.example"), await witness("bob.example")];
  const audit = { witnesses: [alice, bob].map(({ url, key }) => ({ url, key })), witnesses_min: 2 };
  let process = await coordinator(audit);
  const cosigned = ["--witness", alice.key, "--witness", bob.key];
  const first = await verified(1, ...cosigned);
  expect(first).toMatchObject({ quorum: 2, witnesses: [{ name: "alice.example" }, { name: "bob.example" }] });

  const { ended } = process;
  process.stop();
  await ended;
  const backup = join(folder, "backup");
  cpSync(stateDir, backup, { recursive: true });
  process = await coordinator(audit);
  await brake(process, false, "two");
  const leaves = Number(first["leaves"]) + 1;
  await verified(leaves, ...cosigned);
  await process.end("SIGKILL");

  // One of them loses power, and the folder is brought back, with all that the log itself remembers.
  await bob.process.kill();
  const again = await witness("bob.example", new URL(bob.url).host);
  rmSync(stateDir, { recursive: true });
  cpSync(backup, stateDir, { recursive: true });
  await alice.process.kill();
  const config = writeConfig(folder, { audit: { checkpoint_ms: 100, ...audit } }, owners);
  running = undefined;
  const refused = await new CoordinatorProcess(["--config", config]).ended;
  expect(refused.code, refused.stderr).toBe(3);
  expect(refused.stderr).toContain("bob.example");
  expect(refused.stderr).toContain(`saw a log of ${leaves} leaves`);
  expect(again.process.answers.some(({ answer }) => answer === "OTHER_SIZE")).toBe(true);
});

test("as long as no witness has answered since the start nothing is signed; decisions go on", async () => {
  const bare = await coordinator();
  await bare.end("SIGTERM");
  const alice = await witness("alice.example");
  await alice.process.kill();
  const process = await coordinator({ witnesses: [{ url: alice.url, key: alice.key }] });
  const size = (): string | undefined =>
    readFileSync(join(stateDir, "audit", "last-checkpoint"), "utf8").split("\n")[1];
  const before = size();
  await brake(process, true, "one");
  await brake(process, false, "two");
  expect(size()).toBe(before);
  await witness("alice.example", new URL(alice.url).host);
  await verified(Number(before) + 2, "--witness", alice.key);
});
