/**
 * Lists that were right once, or belong to others: old ones, recalled builds, mixed files, news that are held back, versions
 * and times that a stolen publisher's key drives up. Coordinator and mirror are in the wrong hands.
 */
import { Decision, FailureReason } from "@moult/contracts/v1";
import { generateKey } from "@moult/trust";
import { makeCertificate } from "../../../apps/agent/src/testing/certificate.ts";
import { targetOf } from "../../../apps/agent/src/testing/open-gates.ts";
import { until } from "../../../apps/agent/src/testing/until.ts";
import { type Loose, idOf, listed } from "../../../packages/trust/src/tuf/testing/forge.ts";
import { type Attack, must } from "../harness/attack.ts";
import { type Change, named, part } from "../harness/forge.ts";
import { Siege } from "../harness/siege.ts";

const { METADATA, UNSUITABLE } = FailureReason;
const DAY_MS = 86_400_000;

const BACK = "it was taken back to what was published before";

const oldMetadata: Attack = {
  row: "old metadata",
  name: "a device that has seen a list believes no older one, nor after a restart, nor in new clothes",
  async run(scene) {
    const siege = await Siege.open(scene);
    const { forge } = siege;
    const [six, seven] = [siege.build(6), siege.build(7)];
    forge.allow([six]);
    const old = forge.record();
    await siege.knows(forge.allow([]));
    const serveOld = (twist?: { readonly snapshot?: Change; readonly timestamp?: Change }): void => {
      for (const [name, bytes] of old) forge.files.set(name, bytes);
      const first = old.get("1.targets.json");
      must(first !== undefined, "there is no first list");
      if (twist !== undefined) forge.publish(first, twist);
    };
    siege.offered = six;
    serveOld();
    await siege.holds(BACK, METADATA, "timestamp ROLLED_BACK");
    await siege.restart();
    await siege.holds(BACK, METADATA, "timestamp ROLLED_BACK");
    // A publisher's key that was stolen signs what it likes: new files that name the old ones.
    const snapshot = old.get("1.snapshot.json");
    must(snapshot !== undefined, "there is no first snapshot");
    serveOld({ timestamp: (timestamp) => void (timestamp["meta"] = { "snapshot.json": named(snapshot) }) });
    await siege.holds(BACK, METADATA, "timestamp ROLLED_BACK");
    serveOld({});
    await siege.holds(BACK, METADATA, "snapshot ROLLED_BACK");
    forge.allow([seven]);
    await siege.moves(seven);
  },
  mutants: [
    {
      defence: "what was kept is a measure for what comes",
      of: "agent",
      patches: [
        {
          file: "client/refresh.ts",
          from: `    this.#kept = kept;
    this.session`,
          to: `    this.#kept = { root: kept.root, targets: new Map() };
    this.session`,
        },
      ],
      caught: new RegExp(BACK),
    },
  ],
};

const RECALLED = "it left for a build that the council took back";

const recalled: Attack = {
  row: "recalled build",
  name: "a build that was staged while it was approved is not left for once it was recalled, whatever leave is given",
  async run(scene) {
    const siege = await Siege.open(scene);
    const { forge } = siege;
    const [six, seven] = [siege.build(6), siege.build(7)];
    forge.allow([six]);
    const old = forge.record();
    await siege.stages(six);
    // The device hears of the recall, and then its coordinator is taken over.
    await siege.knows(forge.allow([]));
    for (const [name, bytes] of old) forge.files.set(name, bytes);
    siege.opensGates(six);
    await siege.holds(RECALLED, METADATA, "timestamp ROLLED_BACK");
    forge.allow([seven]);
    await siege.moves(seven);
  },
  mutants: [
    {
      defence: "what was staged is judged again before the device leaves",
      of: "agent",
      patches: [
        {
          file: "trust/keeper.ts",
          from: "if (heard.target === undefined) return undefined;",
          to: "if (heard.target === undefined || heard.leaving) return undefined;",
        },
      ],
      caught: new RegExp(RECALLED),
    },
  ],
};

const AGED = "it went back to an old release";

const oldImage: Attack = {
  row: "old image with a valid verdict",
  name: "a release that is approved and old is not gone back to, however it is offered",
  async run(scene) {
    const siege = await Siege.open(scene);
    const { forge } = siege;
    const [four, five, seven] = [siege.build(4), siege.build(5), siege.build(7)];
    forge.allow([four, five]);
    siege.offered = four;
    await siege.holds(AGED, UNSUITABLE);
    // The coordinator's counter counts for nothing.
    const target = { ...targetOf(four, siege.gates.sources), releaseCounter: 99n };
    siege.coordinator.judge = () => ({ decision: Decision.PREPARE, target });
    await siege.holds(AGED, UNSUITABLE);
    forge.allow([four, seven]);
    await siege.moves(seven);
    siege.opensGates(four);
    await siege.holds(AGED, UNSUITABLE);
  },
  mutants: [
    {
      defence: "a device moves only forward",
      of: "agent",
      patches: [
        { file: "trust/gate.ts", from: "if (releaseCounter <= runningCounter) {", to: "if (releaseCounter < 0) {" },
      ],
      caught: new RegExp(AGED),
    },
  ],
};

const STALE = "it moved by a list that had gone stale";

const stale: Attack = {
  row: "stale timestamp",
  name: "a coordinator that holds news back lets nothing move once the last news are a day old, and that is told",
  async run(scene) {
    const siege = await Siege.open(scene);
    const { forge } = siege;
    const [six, seven] = [siege.build(6), siege.build(7)];
    await siege.outlives((endMs) => forge.allow([six], {}, { issuedMs: endMs - DAY_MS }));
    siege.offered = six;
    const told = await siege.holds(STALE, METADATA, "timestamp EXPIRED");
    must(/stale|expired/.test(told.message), `nobody learns why: ${told.message}`);
    forge.allow([six, seven]);
    await siege.moves(seven);
  },
  mutants: [
    {
      defence: "what is known holds for a day",
      of: "agent",
      patches: [{ file: "trust/gate.ts", from: "if (network.staleFromMs <= nowMs) {", to: "if (nowMs < 0) {" }],
      caught: new RegExp(STALE),
    },
  ],
};

const STUCK = "a key that was taken away binds its successor";

const versionAtMaximum: Attack = {
  row: "version at maximum",
  name: "versions that a stolen publisher's key drove to the end are forgotten when the root gives the role to another key",
  async run(scene) {
    const siege = await Siege.open(scene);
    const { forge } = siege;
    const [six, seven] = [siege.build(6), siege.build(7)];
    const { publisher: stolen } = forge.network.keys;
    const [snapshotKey, publisher] = [generateKey(), generateKey()];
    // First the snapshot's version alone. The key of the timestamps was not stolen and stays.
    const last = { snapshot: (signed: Loose): void => void (signed["version"] = Number.MAX_SAFE_INTEGER) };
    await siege.knows(forge.allow([], {}, last));
    forge.rotate((root) => {
      part(root, "keys")[idOf(snapshotKey)] = listed(snapshotKey);
      part(root, "roles", "snapshot")["keyids"] = [idOf(snapshotKey)];
    });
    const faults = (): number => siege.logged("timestamp ROLLED_BACK") + siege.logged("snapshot ROLLED_BACK");
    const before = faults();
    forge.allow([six], {}, { snapshotKey });
    // One refresh may have been under way when the root came.
    await siege.moves(six, () => (faults() > before + 2 ? STUCK : undefined));
    // Then both: the publisher cannot get past that any more. Nothing moves, and that is the worst of it.
    const timestamp: Change = (signed) => void (signed["version"] = Number.MAX_SAFE_INTEGER);
    forge.allow([], {}, { ...last, timestamp, snapshotKey });
    await siege.knows(Number.MAX_SAFE_INTEGER);
    forge.allow([seven], {}, { snapshotKey });
    siege.offered = seven;
    await siege.holds("nothing binds a publisher", METADATA, "timestamp ROLLED_BACK");
    forge.rotate((root) => {
      for (const key of [stolen, snapshotKey]) delete part(root, "keys")[idOf(key)];
      part(root, "keys")[idOf(publisher)] = listed(publisher);
      for (const role of ["snapshot", "timestamp"]) part(root, "roles", role)["keyids"] = [idOf(publisher)];
    });
    const faultsBefore = faults();
    forge.allow([seven], {}, { publisher });
    await siege.moves(seven, () => (faults() > faultsBefore + 2 ? STUCK : undefined));
  },
  mutants: [
    {
      defence: "what a lost key signed is no measure any more",
      of: "agent",
      patches: [
        {
          file: "client/refresh.ts",
          from: 'keysRemoved.has("timestamp") || keysRemoved.has("snapshot")',
          to: "keysRemoved.size > 9",
        },
      ],
      caught: new RegExp(STUCK),
    },
  ],
};

const MIXED = "it took a list that is not the one that was published";

const mixed: Attack = {
  row: "mixed metadata",
  name: "files that do not belong together are no list, though each of them was signed by those who may",
  async run(scene) {
    const siege = await Siege.open(scene);
    const { forge } = siege;
    const [six, seven, other] = [siege.build(6), siege.build(7), siege.build(8)];
    siege.offered = six;
    // The council signed two lists of one version; the publisher made the other one the list.
    const withdrawn = forge.approved(forge.list([six]));
    const published = forge.allow([other]);
    forge.files.set(`${published}.targets.json`, withdrawn);
    await siege.holds(MIXED, METADATA, "targets MIXED");
    // A snapshot that was never published names it.
    forge.publish(forge.approved(forge.list([six])));
    const snapshot = forge.files.get(`${forge.version}.snapshot.json`);
    must(snapshot !== undefined, "there is no snapshot");
    const next = forge.allow([other]);
    forge.files.set(`${next}.snapshot.json`, snapshot);
    await siege.holds(MIXED, METADATA, "snapshot MIXED");
    forge.allow([seven]);
    await siege.moves(seven);
  },
  mutants: [
    {
      defence: "a list is the one that its snapshot names",
      of: "agent",
      patches: [
        {
          file: "client/session.ts",
          from: `    requireMeant(targets, wanted);
    this.#library.updateTargets(targets, parent);`,
          to: "    void wanted;",
        },
      ],
      caught: new RegExp(MIXED),
    },
  ],
};

const STEP_MAX_MS = 30 * DAY_MS;
const AHEAD = "one signature moved its time by more than a month";

const farFuture: Attack = {
  row: "far-future signed time",
  name: "a time that a stolen key signed far ahead moves the device's by a month at most, and a new publisher gets it back",
  async run(scene) {
    // Its server's certificate outlives the month: that is another defence.
    const certificate = makeCertificate({ untilMs: Date.now() + 90 * DAY_MS });
    const siege = await Siege.open(scene, { certificate });
    const { forge } = siege;
    const seven = siege.build(7);
    const beganMs = Date.now();
    const timeOf = (): number => siege.box.durable()?.time?.floorMs ?? 0;
    const list = forge.approved(forge.list([]));
    await siege.knows(forge.publish(list));
    for (const days of [3_000, 3_001]) {
      await siege.knows(forge.publish(list, { issuedMs: beganMs + days * DAY_MS }));
      await until("the time on the disk", () => timeOf() > beganMs + DAY_MS);
      must(timeOf() <= Date.now() + STEP_MAX_MS, AHEAD);
    }
    // What is signed today is a month old to it: nothing moves.
    const { publisher: stolen } = forge.network.keys;
    const publisher = generateKey();
    forge.rotate((root) => {
      delete part(root, "keys")[idOf(stolen)];
      part(root, "keys")[idOf(publisher)] = listed(publisher);
      for (const role of ["snapshot", "timestamp"]) part(root, "roles", role)["keyids"] = [idOf(publisher)];
    });
    siege.offered = seven;
    forge.allow([seven], {}, { publisher });
    await siege.holds("it moved by a list that is stale to it", METADATA, "timestamp EXPIRED");
    forge.allow([seven], {}, { publisher, issuedMs: beganMs + STEP_MAX_MS });
    await siege.moves(seven);
    must(timeOf() <= Date.now() + STEP_MAX_MS, AHEAD);
  },
  mutants: [
    {
      defence: "signed time moves the device's by steps",
      of: "agent",
      patches: [
        {
          file: "time-floor/time-floor.ts",
          from: "const next = Math.min(aimMs, floorMs + rules.stepMaxMs);",
          to: "const next = aimMs;",
        },
      ],
      caught: new RegExp(AHEAD),
    },
  ],
};

export const freshness: readonly Attack[] = [
  oldMetadata,
  recalled,
  oldImage,
  stale,
  versionAtMaximum,
  mixed,
  farFuture,
];
