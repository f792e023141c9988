/** Attacks by files in a wrong form that are signed all the same: by a careless ceremony, or by stolen keys of one role. */
import { createHash } from "node:crypto";
import {
  type Attack,
  type Change,
  changedTargets,
  named,
  nextRoot,
  part,
  serveSnapshot,
  serveTargets,
  serveTimestamp,
} from "./attack.ts";
import { type Loose, edited, idOf, listed, seal, signedOf } from "./forge.ts";
import { KEYS, T, World, build } from "./world.ts";
import { formatTime } from "../form/reader.ts";

const ONE = build("one").digest;

/** Serves a list that the whole council signed. */
function list(change: Change): (world: World) => void {
  return (world) => serveTargets(world, changedTargets(world, change));
}

function timestamp(change: Change): (world: World) => void {
  return (world) => serveTimestamp(world, change);
}

function expiry(text: string): (world: World) => void {
  return timestamp((signed) => void (signed["expires"] = text));
}

/** The list with the one build changed. */
function buildWith(change: (target: Loose) => void): (world: World) => void {
  return list((signed) => change(part(signed, "targets", ONE)));
}

const delegating: Change = (signed) => {
  const role = { name: "friends", keyids: [idOf(KEYS.stranger)], threshold: 1, terminating: true, paths: ["*"] };
  signed["delegations"] = { keys: { [idOf(KEYS.stranger)]: listed(KEYS.stranger) }, roles: [role] };
};

export const FORM_ATTACKS: readonly Attack[] = [
  {
    name: "an expiry in a form of its own",
    plain: true,
    attack: expiry("2099"),
    expected: "timestamp FORM_INVALID",
    stock: "accepted",
  },
  {
    name: "an expiry by the device's time zone",
    plain: true,
    attack: expiry("2031-06-01T00:00:00"),
    expected: "timestamp FORM_INVALID",
    stock: "accepted",
  },
  {
    name: "an expiry on a day that does not exist",
    plain: true,
    attack: expiry("2099-02-30T00:00:00Z"),
    expected: "timestamp FORM_INVALID",
    stock: "accepted",
  },
  {
    name: "a timestamp that lives two days",
    attack: expiry(formatTime(T + 172_800_000)),
    expected: "timestamp FORM_INVALID",
    stock: "accepted",
  },
  {
    name: "a version below 1",
    plain: true,
    attack: timestamp((s) => void (s["version"] = -5)),
    expected: "timestamp FORM_INVALID",
    stock: "accepted",
  },
  {
    name: "another major version of TUF",
    plain: true,
    attack: timestamp((s) => void (s["spec_version"] = "2.0.0")),
    expected: "timestamp FORM_INVALID",
    stock: "refused",
  },
  {
    name: "a version of TUF that is none",
    plain: true,
    attack: timestamp((s) => void (s["spec_version"] = "1.0x1")),
    expected: "timestamp FORM_INVALID",
    stock: "accepted",
  },
  {
    name: "a version of TUF with gaps",
    plain: true,
    attack: timestamp((s) => void (s["spec_version"] = "1.. ")),
    expected: "timestamp FORM_INVALID",
    stock: "accepted",
  },
  {
    name: "a snapshot that is named without a hash",
    attack: timestamp((s) => void delete part(s, "meta", "snapshot.json")["hashes"]),
    expected: "timestamp FORM_INVALID",
    stock: "accepted",
  },
  {
    name: "a list that is named with no hash at all",
    plain: true,
    attack: (world) => serveSnapshot(world, (s) => void (part(s, "meta", "targets.json")["hashes"] = {})),
    expected: "snapshot FORM_INVALID",
    stock: "accepted",
  },
  {
    name: "a list that is named by a broken hash",
    attack: (world) =>
      serveSnapshot(world, (s) => {
        const md5 = createHash("md5").update(world.file("targets.json")).digest("hex");
        part(s, "meta")["targets.json"] = { ...named(world.file("targets.json")), hashes: { md5 } };
      }),
    expected: "snapshot FORM_INVALID",
    stock: "accepted",
  },
  {
    name: "a snapshot that names other lists too",
    attack: (world) => serveSnapshot(world, (s) => void (part(s, "meta")["friends.json"] = { version: 1 })),
    expected: "snapshot FORM_INVALID",
    stock: "accepted",
  },
  {
    name: "a build without a hash",
    attack: buildWith((t) => void (t["hashes"] = {})),
    expected: "targets FORM_INVALID",
    stock: "accepted",
  },
  {
    name: "a build by another hash than its name",
    attack: buildWith((t) => void (t["hashes"] = { sha256: "00".repeat(32) })),
    expected: "targets FORM_INVALID",
    stock: "accepted",
  },
  {
    name: "a build of another's length",
    attack: buildWith((t) => void (t["length"] = 2 ** 40)),
    expected: "targets FORM_INVALID",
    stock: "accepted",
  },
  {
    name: "a build without a platform",
    attack: buildWith((t) => void delete part(t, "custom")["platform"]),
    expected: "targets FORM_INVALID",
    stock: "accepted",
  },
  {
    name: "a build whose name climbs",
    attack: list((s) => void (part(s, "targets")["../../etc/passwd"] = part(s, "targets", ONE))),
    expected: "targets FORM_INVALID",
    stock: "accepted",
  },
  { name: "a list that delegates", attack: list(delegating), expected: "targets FORM_INVALID", stock: "accepted" },
  {
    name: "a root with a fifth role",
    attack: (world) =>
      nextRoot(
        world,
        (root) =>
          void (part(root, "roles")["mirrors"] = { keyids: [idOf(KEYS.root[0] ?? KEYS.stranger)], threshold: 1 }),
      ),
    expected: "root FORM_INVALID",
    stock: "accepted",
  },
  {
    name: "a root without a spare for the server's key",
    attack: (world) => nextRoot(world, (root) => void (part(root, "moult", "server_keys")["backup"] = [])),
    expected: "root FORM_INVALID",
    stock: "accepted",
  },
  {
    name: "a root of another network",
    attack: (world) => nextRoot(world, (root) => void (part(root, "moult")["network"] = "other")),
    expected: "root OTHER_NETWORK",
    stock: "accepted",
  },
  {
    name: "a root that gives up versioned names",
    attack: (world) => {
      nextRoot(world, (root) => void (root["consistent_snapshot"] = false));
    },
    expected: "root FORM_INVALID",
    stock: "accepted",
  },
  {
    name: "a list in the place of a snapshot",
    attack: (world) => {
      const targets = seal(signedOf(world.file("targets.json")), [KEYS.publisher, ...KEYS.council]);
      world.files.set("1.snapshot.json", targets);
      serveTimestamp(world, (s) => void (s["meta"] = { "snapshot.json": named(targets) }));
    },
    expected: "snapshot FORM_INVALID",
    stock: "refused",
  },
  {
    name: "a digest that was edited after the vote",
    attack: (world) =>
      serveTargets(
        world,
        edited(
          changedTargets(world, () => undefined),
          ONE,
          build("evil").digest,
        ),
      ),
    expected: "targets SIGNATURES_TOO_FEW",
    stock: "refused",
  },
];
