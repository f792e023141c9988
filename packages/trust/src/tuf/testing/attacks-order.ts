/** Attacks on order and time: old files, skipped roots, files that do not belong together, and silence. */
import {
  type Attack,
  after,
  changedTargets,
  named,
  nextRoot,
  part,
  serveSnapshot,
  serveTargets,
  serveTimestamp,
} from "./attack.ts";
import { idOf, listed, seal, signedOf } from "./forge.ts";
import { KEYS, T, World, build, listOf, livelyWorld } from "./world.ts";
import { memberKey } from "../../fixtures.ts";

const HOUR_MS = 3_600_000;

/** A network whose list, snapshot and timestamp are at version 2, and what they were before. */
function movedOn(): World {
  const world = livelyWorld();
  serveTargets(
    world,
    changedTargets(world, () => undefined),
  );
  return world;
}

const nothing = (): void => undefined;

export const ORDER_ATTACKS: readonly Attack[] = [
  {
    name: "a root that skips a version",
    attack: (world) => nextRoot(world, (root) => void (root["version"] = 3)),
    expected: "root ROOT_NOT_NEXT",
    stock: "refused",
  },
  {
    name: "the same root again as the next",
    attack: (world) => world.files.set("2.root.json", world.flashedRoot),
    expected: "root ROOT_NOT_NEXT",
    stock: "refused",
  },
  {
    name: "an expired root and nothing after it",
    attack: (world) => nextRoot(world, (root) => void (root["expires"] = "2020-01-01T00:00:00Z")),
    expected: "root EXPIRED",
    stock: "refused",
  },
  {
    name: "an old timestamp",
    world: movedOn,
    refreshedBefore: true,
    attack: (world) => {
      serveTimestamp(world, (s) => void (s["version"] = 1));
    },
    expected: "timestamp ROLLED_BACK",
    stock: "refused",
  },
  {
    name: "a new timestamp for an old snapshot",
    world: movedOn,
    refreshedBefore: true,
    attack: (world) => {
      serveTimestamp(world, (s) => void (s["meta"] = { "snapshot.json": named(world.file("1.snapshot.json")) }));
    },
    expected: "timestamp ROLLED_BACK",
    stock: "refused",
  },
  {
    name: "a new snapshot for an old list",
    world: movedOn,
    refreshedBefore: true,
    attack: (world) => {
      serveSnapshot(world, (s) => void (s["meta"] = { "targets.json": named(world.file("1.targets.json")) }));
    },
    expected: "snapshot ROLLED_BACK",
    stock: "refused",
  },
  {
    name: "another list of the same version",
    attack: (world) => void world.files.set("1.targets.json", listOf(build("other"))),
    expected: "targets MIXED",
    stock: "refused",
  },
  {
    name: "another snapshot of the same version",
    attack: (world) => {
      const signed = { ...signedOf(world.file("snapshot.json")), expires: after(HOUR_MS) };
      world.files.set("1.snapshot.json", seal(signed, [KEYS.publisher]));
    },
    expected: "snapshot MIXED",
    stock: "refused",
  },
  {
    name: "an old snapshot under the new name",
    world: movedOn,
    attack: (world) => {
      const old = world.file("2.snapshot.json");
      serveSnapshot(world, () => undefined);
      world.files.set("3.snapshot.json", old);
    },
    expected: "snapshot MIXED",
    stock: "refused",
  },
  {
    name: "silence: the timestamp runs out by T",
    attack: nothing,
    nowMs: T + 25 * HOUR_MS,
    refreshedBefore: true,
    expected: "timestamp EXPIRED",
    stock: "accepted",
  },
  {
    name: "a timestamp that had run out by T",
    attack: (world) => {
      serveTimestamp(world, (s) => {
        s["expires"] = after(-HOUR_MS);
        part(s, "moult")["issued"] = after(-2 * HOUR_MS);
      });
    },
    expected: "timestamp EXPIRED",
    stock: "accepted",
  },
  {
    name: "a snapshot that has run out by T",
    attack: (world) => serveSnapshot(world, (s) => void (s["expires"] = after(-HOUR_MS))),
    expected: "snapshot EXPIRED",
    stock: "accepted",
  },
  {
    name: "a list that has run out by T",
    attack: (world) =>
      serveTargets(
        world,
        changedTargets(world, (s) => void (s["expires"] = after(-HOUR_MS))),
      ),
    expected: "targets EXPIRED",
    stock: "accepted",
  },
  {
    name: "a snapshot at the largest version, and its key rotated",
    world: () => {
      const world = livelyWorld();
      serveSnapshot(world, (s) => void (s["version"] = Number.MAX_SAFE_INTEGER));
      return world;
    },
    refreshedBefore: true,
    attack: (world) => {
      const fresh = memberKey(60);
      nextRoot(world, (root) => {
        part(root, "keys")[idOf(fresh)] = listed(fresh);
        part(root, "roles")["snapshot"] = { keyids: [idOf(fresh)], threshold: 1 };
      });
      const snapshot = seal({ ...signedOf(world.file("1.snapshot.json")), version: 2 }, [fresh]);
      world.serve("snapshot", snapshot);
      serveTimestamp(world, (s) => void (s["meta"] = { "snapshot.json": named(snapshot) }));
    },
    expected: "accepted",
    stock: "refused",
  },
];
