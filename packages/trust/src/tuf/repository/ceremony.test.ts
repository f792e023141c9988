import { expect, test } from "vitest";
import { memberKey } from "../../fixtures.ts";
import { refreshNetwork } from "../client/trusted-network.ts";
import { TufError } from "../errors.ts";
import { edited, idOf, signature, signedOf, text } from "../testing/forge.ts";
import { KEYS, PLAN, T, World, build, listOf, publicHex, signedBy } from "../testing/world.ts";
import { initAllowlist, nextAllowlist } from "./allowlist.ts";
import { mergeFiles, signFile } from "./file.ts";
import { progressOf } from "./progress.ts";
import { publish, renewTimestamp } from "./publish.ts";
import { initRoot, rotateRoot } from "./root.ts";
import { summaryOf } from "./summary.ts";

const expiresMs = T + 86_400_000;

function codeOf(act: () => unknown): string {
  try {
    act();
    return "accepted";
  } catch (error) {
    if (error instanceof TufError) return error.code;
    throw error;
  }
}

test("members sign apart; the signatures are brought together in any order", () => {
  const blank = initAllowlist("demo", { expiresMs, add: [build("one")] });
  const apart = KEYS.council.map((key) => signFile(blank, key.privateKey));
  const [a, b, c] = apart as [Uint8Array, Uint8Array, Uint8Array];
  expect(mergeFiles([c, a, b])).toEqual(mergeFiles([a, b, c, blank]));
  const root = initRoot(PLAN);
  expect(progressOf(blank, root)).toMatchObject({ complete: false, quorums: [{ signed: [], threshold: 2 }] });
  expect(progressOf(mergeFiles([a, b]), root)).toMatchObject({ complete: true, useless: [] });
  expect(progressOf(mergeFiles([a, b]), root).quorums[0]?.missing).toEqual([publicHex(memberKey(13))]);
});

test("signing twice with one key changes nothing", () => {
  const once = signFile(listOf(), KEYS.stranger.privateKey);
  expect(signFile(once, KEYS.stranger.privateKey)).toEqual(once);
  expect(progressOf(once, initRoot(PLAN)).useless).toEqual([idOf(KEYS.stranger)]);
});

test("a bad signature cannot displace a good one", () => {
  const good = listOf(build("one"));
  const [first] = KEYS.council;
  if (first === undefined) throw new Error("no council");
  const { sig } = signature(signedOf(good), first);
  const bad = edited(good, sig, "ab".repeat(64));
  const root = initRoot(PLAN);
  expect(progressOf(mergeFiles([bad, good], root), root).complete).toBe(true);
  expect(progressOf(mergeFiles([good, bad], root), root).complete).toBe(true);
});

test("files of different content are not brought together", () => {
  expect(codeOf(() => mergeFiles([listOf(build("one")), listOf(build("two"))]))).toBe("MIXED");
});

test("a root needs the quorum of the one before it and its own", () => {
  const first = signedBy(initRoot(PLAN), ...KEYS.root);
  const fresh = [memberKey(71), memberKey(72)];
  const roles = { ...PLAN.roles, root: { threshold: 2, keys: fresh.map(publicHex) } };
  const next = rotateRoot(first, { roles });
  expect(progressOf(signedBy(next, ...KEYS.root), first).quorums.map((q) => q.signed.length)).toEqual([0, 3]);
  expect(progressOf(signedBy(next, ...fresh), first).complete).toBe(false);
  expect(progressOf(signedBy(next, ...KEYS.root.slice(1), ...fresh), first).complete).toBe(true);
  expect(codeOf(() => progressOf(next))).toBe("ROOT_NOT_NEXT");
});

test("nobody is asked to sign what a device would refuse", () => {
  const { roles } = PLAN;
  expect(
    codeOf(() => initRoot({ ...PLAN, roles: { ...roles, targets: { threshold: 4, keys: roles.targets.keys } } })),
  ).toBe("THRESHOLD_INVALID");
  expect(codeOf(() => initRoot({ ...PLAN, breakers: roles.targets.keys }))).toBe("KEY_INVALID");
  expect(codeOf(() => initRoot({ ...PLAN, serverKeys: { ...PLAN.serverKeys, backup: [] } }))).toBe("FORM_INVALID");
  expect(codeOf(() => initRoot({ ...PLAN, network: "Not A Network" }))).toBe("FORM_INVALID");
  expect(codeOf(() => initAllowlist("demo", { expiresMs, add: [build("one", { releaseCounter: 0 })] }))).toBe(
    "FORM_INVALID",
  );
  expect(codeOf(() => signFile(text("{}"), KEYS.stranger.privateKey))).toBe("FORM_INVALID");
});

test("the publisher approves nothing, and its clock does not go back", () => {
  const root = signedBy(initRoot(PLAN), ...KEYS.root);
  const keys = [KEYS.publisher.privateKey];
  const rest = { root, snapshotKeys: keys, timestampKeys: keys, nowMs: T, snapshotLifetimeMs: 1000 };
  const unsigned = initAllowlist("demo", { expiresMs });
  expect(codeOf(() => publish({ ...rest, targets: unsigned }))).toBe("SIGNATURES_TOO_FEW");
  const previous = publish({ ...rest, targets: listOf() });
  expect(codeOf(() => renewTimestamp({ root, timestampKeys: keys, nowMs: T - 5000, previous }))).toBe("ROLLED_BACK");
  const late = { root, timestampKeys: keys, nowMs: T, previous, timestampLifetimeMs: 90_000_000 };
  expect(codeOf(() => renewTimestamp(late))).toBe("FORM_INVALID");
  const strange = [KEYS.stranger.privateKey];
  expect(codeOf(() => renewTimestamp({ root, timestampKeys: strange, nowMs: T, previous }))).toBe("SIGNATURES_TOO_FEW");
});

test("a person sees what changes, and the digest of what is signed", () => {
  const before = listOf(build("one"), build("old"));
  const cohort = { seed: "ab".repeat(32), steps: [{ notBeforeMs: T, sharePpm: 12_500 }] };
  const next = nextAllowlist(before, { expiresMs, recall: [build("old").digest], add: [build("new", { cohort })] });
  const lines = summaryOf(next, before);
  expect(lines[0]).toBe("targets version 2");
  expect(lines.filter((line) => line.startsWith("- "))).toEqual([expect.stringContaining(build("old").digest)]);
  expect(lines.find((line) => line.startsWith("+ "))).toMatch(/1\.25 % from 2031-05-01T00:00:00Z/);
  expect(lines.at(-1)).toMatch(/^signed bytes: [0-9a-f]{64}$/);
  expect(summaryOf(signFile(next, KEYS.stranger.privateKey), before)).toEqual(lines);

  const root = initRoot(PLAN);
  const rotated = rotateRoot(root, { breakers: [publicHex(KEYS.stranger)] });
  expect(summaryOf(rotated, root).filter((line) => /^[-+~]/.test(line))).toEqual([
    `- breaker key ${publicHex(KEYS.breaker)}: may brake`,
    `+ breaker key ${publicHex(KEYS.stranger)}: may brake`,
  ]);
});

test("lost keys: a council member, the publisher and the server's key are replaced, and devices follow", async () => {
  const world = new World();
  world.publish(listOf(build("one")));
  await refreshNetwork(world, T);
  const [fresh, spare] = [memberKey(81), memberKey(82)];
  const root = rotateRoot(world.root, {
    roles: {
      ...PLAN.roles,
      targets: { threshold: 2, keys: [...PLAN.roles.targets.keys.slice(1), publicHex(fresh)] },
      snapshot: { threshold: 1, keys: [publicHex(spare)] },
      timestamp: { threshold: 1, keys: [publicHex(spare)] },
    },
    serverKeys: { active: PLAN.serverKeys.backup, backup: ["cd".repeat(32)] },
  });
  world.serve("root", signedBy(root, ...KEYS.root.slice(0, 2)));
  const targets = signedBy(nextAllowlist(world.file("targets.json"), { expiresMs }), fresh, memberKey(13));
  const keys = [spare.privateKey];
  const rest = { nowMs: T, snapshotLifetimeMs: 86_400_000 };
  const published = publish({ root: world.root, targets, snapshotKeys: keys, timestampKeys: keys, ...rest });
  world.serve("targets", targets);
  world.serve("snapshot", published.snapshot);
  world.files.set("timestamp.json", published.timestamp);
  const trusted = await refreshNetwork(world, T);
  expect(trusted.root.serverKeys.active).toEqual(PLAN.serverKeys.backup);
  expect(trusted.allowlist.version).toBe(2);
});
