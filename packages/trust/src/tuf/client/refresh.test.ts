import { expect, test } from "vitest";
import { nextAllowlist } from "../repository/allowlist.ts";
import { publish, renewTimestamp } from "../repository/publish.ts";
import { rotateRoot } from "../repository/root.ts";
import { seal } from "../testing/forge.ts";
import { KEYS, PLAN, T, World, build, listOf, livelyWorld, publicHex, signedBy } from "../testing/world.ts";
import { memberKey } from "../../fixtures.ts";
import { MOULT } from "./dialect.ts";
import { refresh } from "./refresh.ts";
import { refreshNetwork } from "./trusted-network.ts";
import { TufError } from "../errors.ts";

const HOUR_MS = 3_600_000;

async function codeOf(act: Promise<unknown>): Promise<string> {
  try {
    await act;
    return "accepted";
  } catch (error) {
    if (error instanceof TufError) return `${error.role} ${error.code}`;
    throw error;
  }
}

test("a device that was just flashed learns the list, and keeps it in one write", async () => {
  const world = livelyWorld();
  const { root, allowlist, signedTimeMs } = await refreshNetwork(world, T);
  expect(root.network).toBe("demo");
  expect([...allowlist.builds.keys()]).toEqual([build("one").digest]);
  expect(signedTimeMs).toBe(T);
  expect(world.saves).toBe(1);
});

test("a refresh without news asks for the next root and the timestamp only, and writes nothing", async () => {
  const world = livelyWorld();
  await refreshNetwork(world, T);
  world.asked.length = 0;
  await refreshNetwork(world, T);
  expect(world.asked.map((file) => file.role)).toEqual(["root", "timestamp"]);
  expect(world.saves).toBe(1);
});

test("a recalled build is no longer on the list", async () => {
  const world = livelyWorld();
  await refreshNetwork(world, T);
  const expiresMs = T + 90 * 24 * HOUR_MS;
  const next = nextAllowlist(world.file("targets.json"), { expiresMs, recall: [build("one").digest] });
  world.publish(signedBy(next, ...KEYS.council.slice(1)), T + HOUR_MS);
  const { allowlist } = await refreshNetwork(world, T + HOUR_MS);
  expect(allowlist.builds.size).toBe(0);
  expect(allowlist.version).toBe(2);
});

test("a timestamp lives 24 hours; after that the device refuses what it has, and a fresh one helps", async () => {
  const world = livelyWorld();
  await refreshNetwork(world, T);
  expect(await codeOf(refreshNetwork(world, T + 24 * HOUR_MS))).toBe("timestamp EXPIRED");
  const previous = { snapshot: world.file("snapshot.json"), timestamp: world.file("timestamp.json") };
  const timestampKeys = [KEYS.publisher.privateKey];
  const nowMs = T + 25 * HOUR_MS;
  world.files.set("timestamp.json", renewTimestamp({ root: world.root, timestampKeys, nowMs, previous }));
  expect(await codeOf(refreshNetwork(world, nowMs))).toBe("accepted");
});

test("a box that lay on a shelf walks every root, whatever became of the first keys", async () => {
  const world = livelyWorld();
  let holders = [...KEYS.root];
  for (let n = 0; n < 20; n += 1) {
    const next = [...holders.slice(1), memberKey(100 + n)];
    const roles = { ...PLAN.roles, root: { threshold: 2, keys: next.map(publicHex) } };
    world.serve("root", signedBy(rotateRoot(world.root, { roles }), ...holders.slice(1), ...next.slice(-1)));
    holders = next;
  }
  const { root } = await refreshNetwork(world, T);
  expect(root.version).toBe(21);
  expect(root.roles.root.keys).toEqual(holders.map(publicHex).sort());
});

test("what was verified is kept although the walk ends early", async () => {
  const world = livelyWorld();
  world.serve("root", signedBy(rotateRoot(world.root, { breakers: [] }), ...KEYS.root.slice(0, 2)));
  world.files.delete("1.snapshot.json");
  expect(await codeOf(refreshNetwork(world, T))).toBe("snapshot NOT_FOUND");
  expect(world.kept.root).toEqual(world.root);
  expect(world.kept.timestamp).toEqual(world.file("timestamp.json"));
  expect(world.kept.snapshot).toBeUndefined();
});

test("more new roots than one refresh walks: kept so far, and the next refresh goes on", async () => {
  const world = livelyWorld();
  for (let n = 0; n < 5; n += 1) {
    world.serve("root", signedBy(rotateRoot(world.root, {}), ...KEYS.root.slice(0, 2)));
  }
  const hurried = { ...MOULT, rootsMax: 3 };
  expect(await codeOf(refresh(world, T, hurried))).toBe("root ROOTS_TOO_MANY");
  expect((await refresh(world, T, hurried)).session.root.version).toBe(6);
});

test("a version at its maximum is recovered from by rotating the key that drove it there", async () => {
  for (const role of ["snapshot", "timestamp"] as const) {
    const world = livelyWorld();
    const stolen = world.file(`${role}.json`);
    const top = JSON.parse(Buffer.from(stolen).toString("utf8")) as {
      signed: { version: number; [key: string]: unknown };
    };
    top.signed.version = Number.MAX_SAFE_INTEGER - 1;
    const driven = seal(top.signed, [KEYS.publisher]);
    if (role === "snapshot") {
      world.serve("snapshot", driven);
      const previous = { snapshot: driven, timestamp: world.file("timestamp.json") };
      const timestampKeys = [KEYS.publisher.privateKey];
      world.files.set("timestamp.json", renewTimestamp({ root: world.root, timestampKeys, nowMs: T, previous }));
    } else world.files.set("timestamp.json", driven);
    await refreshNetwork(world, T);

    const fresh = memberKey(50);
    const roles = { ...PLAN.roles, [role]: { threshold: 1, keys: [publicHex(fresh)] } };
    world.serve("root", signedBy(rotateRoot(world.root, { roles }), ...KEYS.root));
    const keysOf = (name: string): Uint8Array[] => [(name === role ? fresh : KEYS.publisher).privateKey];
    const published = publish({
      root: world.root,
      targets: world.file("targets.json"),
      snapshotKeys: keysOf("snapshot"),
      timestampKeys: keysOf("timestamp"),
      nowMs: T,
      snapshotLifetimeMs: 24 * HOUR_MS,
    });
    world.serve("snapshot", published.snapshot);
    world.files.set("timestamp.json", published.timestamp);
    expect(await codeOf(refreshNetwork(world, T)), role).toBe("accepted");
  }
});

test("a new publisher brings back no older list, unless the council that signed the newer one is gone", async () => {
  const world = livelyWorld();
  const first = world.file("targets.json");
  const expiresMs = T + 90 * 24 * HOUR_MS;
  const recalled = signedBy(nextAllowlist(first, { expiresMs, recall: [build("one").digest] }), ...KEYS.council);
  world.publish(recalled, T);
  await refreshNetwork(world, T);
  const kept = world.kept;
  /** A world whose root names another publisher, and as council the present one without its first `gone` members. */
  const rotated = async (targets: Uint8Array, gone: number): Promise<string> => {
    world.kept = kept;
    const publisher = memberKey(200);
    const role = { threshold: 1, keys: [publicHex(publisher)] };
    const council = [...KEYS.council.slice(gone), ...Array.from({ length: gone }, (_, n) => memberKey(210 + n))];
    const members = { threshold: 2, keys: council.map(publicHex) };
    const roles = { ...PLAN.roles, snapshot: role, timestamp: role, targets: members };
    const root = signedBy(rotateRoot(kept.root, { roles }), ...KEYS.root);
    world.files.set("2.root.json", root);
    const resigned = gone === 0 ? targets : signedBy(targets, ...council);
    const keys = { snapshotKeys: [publisher.privateKey], timestampKeys: [publisher.privateKey] };
    const files = publish({ root, targets: resigned, ...keys, nowMs: T, snapshotLifetimeMs: 24 * HOUR_MS });
    world.serve("targets", resigned);
    world.serve("snapshot", files.snapshot);
    world.files.set("timestamp.json", files.timestamp);
    return codeOf(refreshNetwork(world, T));
  };
  expect(await rotated(first, 0)).toBe("targets ROLLED_BACK");
  expect(await rotated(recalled, 0)).toBe("accepted");
  // One of the three who signed is gone, and two are still a quorum.
  expect(await rotated(first, 1)).toBe("targets ROLLED_BACK");
  expect(await rotated(first, 2)).toBe("accepted");
});

test("a damaged disk costs a download, not the device", async () => {
  const world = livelyWorld();
  await refreshNetwork(world, T);
  const broken = new Uint8Array(100);
  const { root } = world.kept;
  world.kept = { root, timestamp: broken, snapshot: broken, targets: new Map([["targets", broken]]) };
  const { allowlist, discarded } = await refreshNetwork(world, T);
  expect(allowlist.builds.size).toBe(1);
  expect(discarded.map((d) => `${d.role} ${d.error.code}`)).toEqual([
    "timestamp NOT_JSON",
    "snapshot NOT_JSON",
    "targets NOT_JSON",
  ]);
});

test("failures of the ports have their own codes and keep their causes", async () => {
  const cause = new Error("cable");
  const world = livelyWorld();
  const source = { fetch: () => Promise.reject(cause) };
  await expect(refreshNetwork({ source, store: world.store }, T)).rejects.toMatchObject({
    code: "SOURCE_FAILED",
    cause,
  });
  const store = { ...world.store, save: () => Promise.reject(cause) };
  await expect(refreshNetwork({ source: world.source, store }, T)).rejects.toMatchObject({
    code: "STORE_FAILED",
    cause,
  });
  const unloadable = { ...world.store, load: () => Promise.reject(cause) };
  await expect(refreshNetwork({ source, store: unloadable }, T)).rejects.toMatchObject({ code: "STORE_FAILED", cause });
});

test("a source that gives more than was asked for is not believed", async () => {
  const world = livelyWorld();
  world.files.set("timestamp.json", new Uint8Array(16_385));
  expect(await codeOf(refreshNetwork(world, T))).toBe("timestamp TOO_LARGE");
});

test("a network without a list yet", async () => {
  const world = new World();
  expect(await codeOf(refreshNetwork(world, T))).toBe("timestamp NOT_FOUND");
  world.publish(listOf());
  expect(await codeOf(refreshNetwork(world, T))).toBe("accepted");
});
