/** The allowlist's way from a build to a quorum, without a coordinator. */
import { appendFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { digestOf } from "@moult/trust";
import { allowlistIn, withinCohort } from "@moult/trust/tuf";
import { expect, test } from "vitest";
import { CeremonyTable } from "../../testing/ceremony.ts";
import { temporaryFolders } from "../../testing/temporary-folder.ts";
import { TEST_NOW_MS } from "../../testing/test-ports.ts";

const folder = temporaryFolders();

async function table(): Promise<CeremonyTable> {
  const made = new CeremonyTable(folder());
  await made.network();
  return made;
}

test("two of three approve, one does not, and one twice is one", async () => {
  const t = await table();
  const digest = await t.build("one", "1.0.0", 1);
  await t.done(["release", "allow", "./one", "--out", "./1.targets.json"]);
  const verify = ["release", "verify", "./1.targets.json", "--root", "./root.json", "--build", "./one"];
  await t.vote("./1.targets.json", "d", "d");
  const early = await t.moult(verify);
  expect(early.code).toBe(6);
  expect(early.stderr).toContain("SIGNATURES_TOO_FEW");
  await t.vote("./1.targets.json", "f");
  const verified = await t.done(verify);
  expect(verified).toMatchObject({
    kind: "allowlist",
    version: 1,
    complete: true,
    builds: [{ digest, version: "1.0.0" }],
  });
  const late = await t.moult(verify, { nowMs: TEST_NOW_MS + 91 * 86_400_000 });
  expect(late.code).toBe(6);
  expect(late.stderr).toContain("expired");
});

test("members sign copies apart, each seeing what changes", async () => {
  const t = await table();
  const one = await t.build("one", "1.0.0", 1);
  await t.build("two", "2.0.0", 2);
  await t.done(["release", "allow", "./one", "--out", "./1.targets.json"]);
  const allow = ["release", "allow", "./two", "--from", "./1.targets.json", "--rollback", one];
  const early = ["release", "sign", "./1.targets.json", "--previous", "./1.targets.json", "--root", "./root.json"];
  const unapproved = await t.moult([...early, "--key", "./d.key", "--yes"]);
  expect(unapproved).toMatchObject({ code: 6 });
  expect(unapproved.stderr).toContain("was not approved by the council of any of these roots");
  await t.vote("./1.targets.json", "d", "e");
  await t.done([...allow, "--cohort", "1%@now,50%@+2d,100%@2026-02-01T00:00:00Z", "--out", "./2.targets.json"]);
  for (const name of ["d", "e"]) {
    const sign = ["release", "sign", "./2.targets.json", "--previous", "./1.targets.json", "--root", "./root.json"];
    const signed = await t.moult([...sign, "--key", `./${name}.key`, "--out", `./${name}.targets.json`, "--yes"]);
    expect(signed.code).toBe(0);
    expect(signed.stderr).toMatch(
      /^\+ build [0-9a-f]{64}: 2\.0\.0 for linux-x64; counter 2; .*1 % from .*rollback to/m,
    );
  }
  await t.done([
    "release",
    "merge",
    "./d.targets.json",
    "./e.targets.json",
    "--root",
    "./root.json",
    "--out",
    "./done.json",
  ]);
  expect((await t.moult(["release", "verify", "./done.json", "--root", "./root.json"])).code).toBe(0);
  const list = allowlistIn(t.read("done.json"));
  const build = [...list.builds.values()].find(({ version }) => version === "2.0.0");
  expect(build).toMatchObject({ rollback: one, releaseCounter: 2 });
  const { cohort } = build ?? {};
  if (cohort === undefined) throw new Error("no bound");
  expect(cohort.steps.map((step) => step.sharePpm)).toEqual([10_000, 500_000, 1_000_000]);
  expect(withinCohort(cohort, "any", Date.parse("2026-02-01T00:00:00Z"))).toBe(true);
});

test("a recall, a way back under a new counter, and a lifted brake", async () => {
  const t = await table();
  const one = await t.build("one", "1.0.0", 1);
  const two = await t.build("two", "2.0.0", 2);
  await t.done(["release", "allow", "./one", "--out", "./1.json"]);
  await t.done(["release", "allow", "./two", "--from", "./1.json", "--out", "./2.json"]);
  const brake = "ab".repeat(32);
  const back = ["--recall", two, "--counter", "3", "--lift-brake", brake];
  await t.done(["release", "allow", "./one", "--from", "./2.json", ...back, "--out", "./3.json"]);
  const list = allowlistIn(t.read("3.json"));
  expect([...list.builds.keys()]).toEqual([one]);
  expect(list.builds.get(one)?.releaseCounter).toBe(3);
  expect(list.liftedBrakes).toEqual([brake]);
  await t.done(["release", "allow", "--from", "./3.json", "--forget-lifted", "--out", "./4.json"]);
  expect(allowlistIn(t.read("4.json"))).toMatchObject({ version: 4, liftedBrakes: [] });
});

test.each<[string, readonly string[], string]>([
  ["a recall of what is not listed", ["--recall", "ab".repeat(32)], "is not on the list"],
  ["a rollback to what is not listed", ["./two", "--rollback", "ab".repeat(32)], "is not on the list"],
  ["a brake's digest that is none", ["--lift-brake", "brake"], "is no digest"],
  ["a cohort that shrinks", ["./two", "--cohort", "10%@now,1%@+1d"], "FORM_INVALID"],
  ["a cohort without a moment", ["./two", "--cohort", "10%"], "is no step"],
  ["a moment that is none", ["./two", "--cohort", "10%@tomorrow"], "is no moment"],
  ["a rollback for another platform", ["--rollback", "LISTED"], "is for none of these platforms"],
])("%s is refused", async (_, words, said) => {
  const t = await table();
  const listed = await t.build("one", "1.0.0", 1);
  await t.build("two", "2.0.0", 2);
  await t.done(["release", "allow", "./one", "--out", "./1.json"]);
  const line = words.map((word) => word.replace("LISTED", listed));
  const refused = await t.moult(["release", "allow", ...line, "--from", "./1.json", "--out", "./2.json"]);
  expect(refused.stderr).toContain(said);
  expect(refused.code).toBe(2);
});

test("a key that is none of the council's does not sign, where the root is given", async () => {
  const t = await table();
  await t.build("one", "1.0.0", 1);
  await t.done(["release", "allow", "./one", "--out", "./1.json"]);
  const refused = await t.moult(["release", "sign", "./1.json", "--root", "./root.json", "--key", "./a.key", "--yes"]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain("none of the council keys");
  const folderSigned = await t.moult(["release", "sign", "./one", "--key", "./d.key", "--yes"]);
  expect(folderSigned.stderr).toContain("what is signed is the allowlist");
});

test.each<[string, (part: string) => void, string]>([
  ["missing", (part) => rmSync(part), "is missing from the folder"],
  ["longer", (part) => appendFileSync(part, "!"), "has 19 bytes instead of 18"],
  ["shorter", (part) => truncateSync(part, 3), "has 3 bytes instead of 18"],
  ["altered", (part) => writeFileSync(part, "AGENT.MJS OF 1.0.0"), "was altered"],
])("a part that is %s is noticed", async (_, spoil, said) => {
  const t = await table();
  await t.build("one", "1.0.0", 1);
  await t.done(["release", "allow", "./one", "--out", "./1.json"]);
  await t.vote("./1.json", "d", "e");
  spoil(t.path(`one/parts/${digestOf(readFileSync(t.path("one-agent.mjs")))}`));
  const verified = await t.moult(["release", "verify", "./1.json", "--root", "./root.json", "--build", "./one"]);
  expect(verified.code).toBe(6);
  expect(verified.stderr).toContain(`The part agent/agent.mjs ${said}`);
});

test("a build that was altered after the vote is another build", async () => {
  const t = await table();
  await t.build("one", "1.0.0", 1);
  await t.build("two", "2.0.0", 2);
  await t.done(["release", "allow", "./one", "--out", "./1.json"]);
  await t.vote("./1.json", "d", "e");
  const verified = await t.moult(["release", "verify", "./1.json", "--root", "./root.json", "--build", "./two"]);
  expect(verified.code).toBe(6);
  expect(verified.stderr).toContain("does not name");
});
