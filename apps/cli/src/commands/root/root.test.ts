/** Ceremonies around the root, as its members hold them: apart from each other, with files. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { progressOf, rootIn } from "@moult/trust/tuf";
import { describe, expect, test } from "vitest";
import { CeremonyTable } from "../../testing/ceremony.ts";
import { temporaryFolders } from "../../testing/temporary-folder.ts";
import { TEST_NOW_MS, type TestRun } from "../../testing/test-ports.ts";

const folder = temporaryFolders();

async function table(): Promise<CeremonyTable> {
  const made = new CeremonyTable(folder());
  await made.network();
  return made;
}

test("two of three members sign apart, and what they sign is a root that devices take", async () => {
  const t = await table();
  expect(progressOf(t.read("root.json")).complete).toBe(true);
  const shown = await t.done(["root", "show", "./root.json"]);
  expect(shown).toMatchObject({ kind: "root", version: 1, complete: true });
  expect(shown["summary"]).toContain("  council quorum: 2 of 3");
});

test("a member sees what changes and the digest before being asked, and may say no", async () => {
  const t = await table();
  const fresh = t.key("g");
  await t.done([
    "root",
    "rotate",
    "--from",
    "./root.json",
    "--drop",
    "council=./f.json",
    "--add",
    `council=${fresh}`,
    "--out",
    "./2.root.json",
  ]);
  const before = readFileSync(t.path("2.root.json"));
  const sign = ["root", "sign", "./2.root.json", "--previous", "./root.json", "--key", "./a.key"];
  const no = await t.moult(sign, { tty: true, answer: false });
  expect(no.code).toBe(7);
  expect(no.stderr).toContain(`+ council key ${fresh}: may sign`);
  expect(no.stderr).toMatch(/signed bytes: [0-9a-f]{64}/);
  expect(no.questions[0]).toMatch(/Compare the digest [0-9a-f]{64}/);
  expect(readFileSync(t.path("2.root.json"))).toEqual(before);
  const nobody = await t.moult(sign);
  expect(nobody.code).toBe(2);
  expect(nobody.stderr).toContain("say --yes");
  const yes = await t.moult(sign, { tty: true, answer: true });
  expect(yes.code).toBe(0);
});

test("what others do to the file meanwhile: their signatures stay, another content is not signed", async () => {
  const t = await table();
  await t.done(["root", "rotate", "--from", "./root.json", "--quorum", "council=3", "--out", "./2.root.json"]);
  const sign = ["root", "sign", "./2.root.json", "--previous", "./root.json", "--key"];
  const meanwhile = async (): Promise<boolean> => {
    await t.done([...sign, "./a.key", "--yes"]);
    return true;
  };
  expect((await t.moult([...sign, "./b.key"], { tty: true, answer: meanwhile })).code).toBe(0);
  expect(progressOf(t.read("2.root.json"), t.read("root.json")).complete).toBe(true);
  await t.done(["root", "rotate", "--from", "./root.json", "--quorum", "council=1", "--out", "./other.json"]);
  const other = t.read("other.json");
  const swapped = async (): Promise<boolean> => {
    writeFileSync(t.path("2.root.json"), other);
    return true;
  };
  const refused = await t.moult([...sign, "./c.key"], { tty: true, answer: swapped });
  expect(refused).toMatchObject({ code: 6 });
  expect(refused.stderr).toContain("was changed while it was shown");
  expect(t.read("2.root.json")).toEqual(other);
});

test("copies that were signed apart are brought together", async () => {
  const t = await table();
  t.key("g");
  const change = ["--drop", "publisher=./publisher.json", "--add", "publisher=./g.json"];
  await t.done(["root", "rotate", "--from", "./root.json", ...change, "--out", "./next.json"]);
  for (const name of ["b", "c"]) {
    const copy = ["root", "sign", "./next.json", "--previous", "./root.json", "--key", `./${name}.key`, "--yes"];
    await t.done([...copy, "--out", `./next.${name}.json`]);
  }
  const merged = await t.done([
    "root",
    "merge",
    "./next.b.json",
    "./next.c.json",
    "--previous",
    "./root.json",
    "--out",
    "./2.root.json",
  ]);
  expect(merged).toMatchObject({ version: 2, complete: true });
  const root = rootIn(t.read("2.root.json"));
  expect(root.roles.timestamp).toEqual(root.roles.snapshot);
});

describe("slips are refused", () => {
  test.each<[string, readonly string[], number, string]>([
    ["a stranger's key", ["root", "sign", "./root.json", "--key", "./d.key", "--yes"], 2, "none of the root keys"],
    ["a private key for a public one", ["--add", "council=./d.key"], 2, "is a private key"],
    ["a role that is none", ["--add", "boss=./d.json"], 2, '"boss" is no role'],
    ["a key that is there", ["--add", "council=./d.json"], 2, "is among its keys already"],
    ["a key that is not there", ["--drop", "council=./a.json"], 2, "is not among its keys"],
    ["a quorum beyond the keys", ["--quorum", "council=4"], 2, "THRESHOLD_INVALID"],
    ["a breaker that approves", ["--add", "breaker=./d.json"], 2, "KEY_INVALID"],
    ["a quorum of breakers", ["--quorum", "breaker=2"], 2, "has no quorum"],
    ["a public key's file for a pin", ["--add", "server=./d.json"], 2, "moult key pin FILE"],
    ["pins without a spare", ["--add", `server=${"ab".repeat(32)}`], 2, "names no spare"],
  ])("%s", async (_, words, code, said) => {
    const t = await table();
    const line =
      words[0]?.startsWith("--") === true
        ? ["root", "rotate", "--from", "./root.json", ...words, "--out", "./x.json"]
        : words;
    const refused = await t.moult(line);
    expect(refused.stderr).toContain(said);
    expect(refused.code).toBe(code);
    expect(existsSync(t.path("x.json"))).toBe(false);
  });

  test("a member's public key for a pin", async () => {
    const t = await table();
    const { publicKey } = JSON.parse(readFileSync(t.path("d.json"), "utf8")) as { publicKey: string };
    const pins = ["--add", `server=${publicKey}`, "--add", `spare=${"ab".repeat(32)}`];
    const refused = await t.moult(["root", "rotate", "--from", "./root.json", ...pins, "--out", "./x.json"]);
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain("is a member's public key");
  });

  test("a file that is there is replaced only with --force", async () => {
    const t = await table();
    const before = readFileSync(t.path("root.json"));
    const rotate = ["root", "rotate", "--from", "./root.json", "--quorum", "council=3", "--out", "./root.json"];
    const refused = await t.moult(rotate);
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain("it exists already");
    expect(readFileSync(t.path("root.json"))).toEqual(before);
    expect((await t.moult([...rotate, "--force"])).code).toBe(0);
  });

  test("a second root is not signed without the first", async () => {
    const t = await table();
    await t.done(["root", "rotate", "--from", "./root.json", "--quorum", "council=3", "--out", "./2.root.json"]);
    const refused = await t.moult(["root", "sign", "./2.root.json", "--key", "./a.key", "--yes"]);
    expect(refused.stderr).toContain("--previous FILE");
    expect(refused.code).toBe(2);
  });

  test("what is no metadata, and metadata of another kind", async () => {
    const t = await table();
    writeFileSync(t.path("junk.json"), '{"signed":{}}');
    const junk = await t.moult(["root", "show", "./junk.json"]);
    expect(junk.code).toBe(6);
    expect(junk.stderr).toContain("junk.json: ");
    await t.build("one", "1.0.0", 1);
    await t.done(["release", "allow", "./one", "--out", "./1.targets.json"]);
    const other = await t.moult(["root", "show", "./1.targets.json"]);
    expect(other.code).toBe(2);
    expect(other.stderr).toContain("is an allowlist, and a root is wanted");
  });
});

test("pins are of the key, whether they come from it or from its certificate", async () => {
  const t = new CeremonyTable(folder());
  const made = await t.done(["key", "tls", "--out", "./tls.key"]);
  expect(made["pin"]).toMatch(/^[0-9a-f]{64}$/);
  expect((await t.done(["key", "pin", "./tls.key"]))["pin"]).toBe(made["pin"]);
  chmodSync(t.path("tls.key"), 0o600);
  expect((await t.moult(["key", "tls", "--out", "./tls.key"])).code).toBe(2);
});

test("a root sets the time of devices where it is told to, and the one that follows does not", async () => {
  const t = await table();
  const rotate = (from: string, out: string, ...more: readonly string[]): Promise<TestRun> =>
    t.moult(["root", "rotate", "--from", from, "--out", out, ...more], { nowMs: TEST_NOW_MS });
  const set = await rotate("./root.json", "./2.root.json", "--time", "now");
  expect(set.stdout).toContain("+ time of devices: ");
  expect(rootIn(t.read("2.root.json")).timeMs).toBe(TEST_NOW_MS - (TEST_NOW_MS % 1000));
  expect((await rotate("./2.root.json", "./3.root.json")).code).toBe(0);
  expect(rootIn(t.read("3.root.json")).timeMs).toBeUndefined();
  expect((await rotate("./root.json", "./x.root.json", "--time", "noon")).stderr).toContain("is no moment");
});
