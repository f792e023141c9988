/** What a device believes, through refreshes, restarts, lies and a disk that fails. */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeBrakeStatement } from "@moult/contracts";
import { DiskError } from "@moult/slots";
import type { TestNetwork } from "@moult/trust/testing";
import { fileNameOf } from "@moult/trust/tuf";
import { describe, expect, it } from "vitest";
import { MetadataFile } from "../adapters/metadata-file.ts";
import { nodeDisk } from "../adapters/node-disk.ts";
import { TestSource, openKeeper, sourcesOf } from "../testing/device-trust.ts";
import { makeFolder } from "../testing/folders.ts";
import { approve, makeNetwork, makeTestBuild, offer } from "../testing/test-build.ts";
import type { RunningBuild } from "../update/state.ts";
import type { TrustKeeper } from "./keeper.ts";
import type { Heard } from "./ports.ts";

const HOUR_MS = 3_600_000;
const build = makeTestBuild();
const next = makeTestBuild({ manifest: { version: "3.0.0", release_counter: 3 } });
const running: RunningBuild = {
  slot: "factory",
  digest: "a".repeat(64),
  version: "1.0.0",
  releaseCounter: 1,
  workIdentity: "none",
  healthTimeoutMs: 1,
  soakMs: 0,
};
const stand = { running, denied: [] };
const NOTHING: Heard = { brakes: [], timestampVersion: 0, leaving: false, wrote: false };

/** A device whose disk, clock and sources are the test's. */
class World {
  nowMs = Date.UTC(2026, 10, 21);
  readonly network: TestNetwork = makeNetwork(() => this.nowMs);
  readonly coordinator = new TestSource("coordinator", this.network.files);
  readonly mirror = new TestSource("mirror", new Map());
  readonly path = join(makeFolder(), "metadata");
  writes = 0;
  full = false;
  readonly signedTimes: number[] = [];

  /** The agent starts. */
  start(flashedRoot: Uint8Array | undefined = this.network.flashedRoot): Promise<TrustKeeper> {
    const file = new MetadataFile(nodeDisk, this.path);
    const write = async (kept: Parameters<typeof file.write>[0]): Promise<void> => {
      if (this.full) throw new DiskError("FULL", "no space");
      this.writes += 1;
      await file.write(kept);
    };
    return openKeeper({
      file: { read: () => file.read(), write },
      flashedRoot,
      sources: sourcesOf(this.coordinator, this.mirror),
      nowMs: () => this.nowMs,
      clock: { nowMs: () => this.nowMs },
      onSignedTime: (timeMs) => this.signedTimes.push(timeMs),
    });
  }

  brake(reason = "smoke", key = this.network.keys.breaker): Uint8Array {
    const { nowMs } = this;
    const said = { network: "test", issuedMs: nowMs, expiresMs: nowMs + 100 * HOUR_MS, body: { reason } };
    return this.network.brake(writeBrakeStatement(said), key);
  }
}

/** What a device makes of an offer: the refusal's reason. */
async function offered(keeper: TrustKeeper, target = build, more: Partial<Heard> = {}): Promise<string> {
  return (await keeper.weigh({ ...NOTHING, target: offer(target, []), ...more }, stand))?.reason ?? "allowed";
}

/** What a device makes of a brake on its stream. */
async function hear(keeper: TrustKeeper, ...brakes: readonly Uint8Array[]): Promise<string> {
  const { refusal, kept } = keeper.hear(brakes);
  await kept;
  return refusal?.reason ?? "allowed";
}

describe("an offer", () => {
  it("of a build that is not known yet has the list fetched, judged and kept; the same list is not written twice", async () => {
    const world = new World();
    approve(world.network, [build]);
    const keeper = await world.start();
    expect(keeper.timestampVersion).toBe(0);
    expect(await offered(keeper)).toBe("allowed");
    expect(keeper.timestampVersion).toBe(1);
    expect(world.signedTimes).toEqual([world.nowMs]);
    expect(await offered(keeper, next)).toBe("NOT_APPROVED");
    expect(world.writes).toBe(1);
    // What was kept will do after a restart, without anybody.
    world.coordinator.broken = true;
    expect(await offered(await world.start(), build)).toBe("allowed");
    expect(readdirSync(join(world.path, ".."))).toEqual(["metadata"]);
  });

  it("of a recalled build is refused as soon as the coordinator says that there is something newer", async () => {
    const world = new World();
    approve(world.network, [build, next]);
    const keeper = await world.start();
    expect(await offered(keeper)).toBe("allowed");
    world.network.recall(build.digest);
    expect(await offered(keeper, build, { timestampVersion: 2 })).toBe("NOT_APPROVED");
    expect(await offered(await world.start(), build)).toBe("NOT_APPROVED");
  });

  it("that a fresh list does not name is no bad build where nobody has a newer list", async () => {
    const world = new World();
    approve(world.network, [build]);
    const keeper = await world.start();
    expect(await offered(keeper)).toBe("allowed");
    world.coordinator.broken = true;
    expect(await offered(keeper, next, { timestampVersion: 2 })).toBe("METADATA");
    world.coordinator.broken = false;
    expect(await offered(keeper, next, { timestampVersion: 2 })).toBe("NOT_APPROVED");
  });

  it("is refused where what was fetched goes stale, by a coordinator that has nothing newer, lies, or falls silent", async () => {
    const world = new World();
    approve(world.network, [build]);
    const keeper = await world.start();
    expect(await offered(keeper)).toBe("allowed");
    const old = new Map(world.network.files);
    world.nowMs += 24 * HOUR_MS;
    expect(await offered(keeper)).toBe("METADATA");
    expect(await offered(await world.start())).toBe("METADATA");
    world.network.publish();
    world.coordinator.files = old;
    expect(await offered(keeper)).toBe("METADATA");
    world.coordinator.broken = true;
    expect(await offered(keeper)).toBe("METADATA");
    // A mirror has what the coordinator withholds.
    world.mirror.files = world.network.files;
    expect(await offered(keeper)).toBe("allowed");
  });

  it("goes by nothing that the council did not sign, and never by what is older", async () => {
    const world = new World();
    approve(world.network, [build]);
    const before = new Map(world.network.files);
    const { network } = world;
    const keeper = await world.start();
    expect(await offered(keeper)).toBe("allowed");
    approve(network, [next]);
    const one = network.approve(network.propose({ add: [network.entry(next.bytes)] }), [0]);
    world.coordinator.files = new Map(network.files).set("2.targets.json", one);
    expect(await offered(keeper, next)).toBe("METADATA");
    // The list of before counts no more: the publisher has named another one, and that is being withheld.
    expect(await offered(keeper, build)).toBe("METADATA");
    expect(await offered(await world.start(), build)).toBe("METADATA");
    world.coordinator.files = network.files;
    expect(await offered(keeper, next)).toBe("allowed");
    network.recall(next.digest);
    world.coordinator.files = before;
    expect(await offered(keeper, next, { timestampVersion: 99 })).toBe("allowed");
    expect(keeper.timestampVersion).toBe(2);
    world.mirror.files = network.files;
    expect(await offered(keeper, next, { timestampVersion: 99 })).toBe("NOT_APPROVED");
  });
});

describe("roots", () => {
  it("that were missed are walked, all of them, also more than one refresh may walk", async () => {
    const world = new World();
    const { network } = world;
    for (let version = 2; version <= 300; version += 1) network.rotate({});
    approve(network, [build]);
    const keeper = await world.start();
    expect(await offered(keeper)).toBe("allowed");
    expect(keeper.view.root?.version).toBe(300);
    expect(world.writes).toBe(1);
    expect((await world.start()).view.root?.version).toBe(300);
  }, 30_000);

  it("of the flash count where what was kept is damaged, older, or of another network", async () => {
    const world = new World();
    approve(world.network, [build]);
    expect(await offered(await world.start())).toBe("allowed");
    const bytes = readFileSync(world.path);
    bytes.writeUInt8(bytes.readUInt8(200) ^ 1, 200);
    writeFileSync(world.path, bytes);
    const keeper = await world.start();
    expect(keeper.timestampVersion).toBe(0);
    expect(await offered(keeper)).toBe("allowed");
    world.network.rotate({});
    expect((await world.start(world.network.root)).view.root?.version).toBe(2);
    expect((await world.start(makeNetwork().flashedRoot)).timestampVersion).toBe(0);
    // Without any root nothing is believed, and nothing dies of it.
    const bare = new World();
    expect(await offered(await bare.start(new Uint8Array([1])))).toBe("METADATA");
    expect(bare.writes).toBe(0);
  });

  it("that somebody else put on the disk count for nothing, however new; the brakes beside them are judged as ever", async () => {
    const world = new World();
    approve(world.network, [build]);
    const keeper = await world.start();
    const brake = world.brake();
    await hear(keeper, brake);
    const own = makeNetwork(() => world.nowMs);
    for (let version = 2; version <= 9; version += 1) own.rotate({});
    const file = new MetadataFile(nodeDisk, world.path);
    const forged = { root: own.root, targets: new Map<string, Uint8Array>() };
    const roots = [2, 3, 4, 5, 6, 7, 8, 9].flatMap((version) => own.files.get(`${version}.root.json`) ?? []);
    for (const metadata of [forged, { ...forged, roots }, { ...forged, roots: [own.root] }]) {
      await file.write({ metadata, brakes: [brake] });
      const again = await world.start();
      expect(again.view.root?.version).toBe(1);
      expect(await offered(again)).toBe("BRAKED");
    }
    // The next image of the same network brings a newer root along, and forgets no brake.
    world.network.rotate({});
    await file.write({ metadata: { root: world.network.flashedRoot, targets: new Map() }, brakes: [brake] });
    const reflashed = await world.start(world.network.root);
    expect(reflashed.view.root?.version).toBe(2);
    expect(reflashed.brakes).toHaveLength(1);
  });

  it("name whom to talk to, the spare included; none named, none pinned", async () => {
    const world = new World();
    const keeper = await world.start();
    expect(keeper.serverPins).toEqual([]);
    const [active, backup] = ["1".repeat(64), "2".repeat(64)];
    world.network.rotate({ serverKeys: { active: [active], backup: [backup] } });
    approve(world.network, [build]);
    await offered(keeper);
    expect(keeper.serverPins).toEqual([active, backup]);
    expect((await world.start()).serverPins).toEqual([active, backup]);
  });
});

describe("a brake", () => {
  it.each(["verdict", "stream", "coordinator", "mirror"] as const)(
    "heard by %s holds, also over a restart",
    async (way) => {
      const world = new World();
      approve(world.network, [build]);
      const keeper = await world.start();
      expect(await offered(keeper)).toBe("allowed");
      const brake = world.brake();
      if (way === "verdict") await keeper.weigh({ ...NOTHING, brakes: [brake] }, stand);
      if (way === "stream") expect(await hear(keeper, brake)).toBe("BRAKED");
      if (way === "coordinator" || way === "mirror") {
        world[way].signedBrakes = [brake];
        world.mirror.files = world.network.files;
        world.coordinator.broken = way === "mirror";
        world.network.publish();
        await keeper.weigh({ ...NOTHING, timestampVersion: 2 }, stand);
      }
      expect(await offered(keeper)).toBe("BRAKED");
      const { writes } = world;
      await hear(keeper, brake);
      expect(world.writes).toBe(writes);
      expect(await offered(await world.start())).toBe("BRAKED");
    },
  );

  it("ends when it expires, and when the council's list lifts it; a stranger's is none", async () => {
    const world = new World();
    approve(world.network, [build]);
    const keeper = await world.start();
    await offered(keeper);
    expect(await hear(keeper, world.brake("stranger", world.network.keys.stranger))).toBe("allowed");
    await hear(keeper, world.brake());
    const [digest = ""] = (await world.start()).brakes.map((held) => held.digest);
    world.network.lift(digest);
    expect(await offered(keeper, build, { timestampVersion: 2 })).toBe("allowed");
    await hear(keeper, world.brake("again"));
    world.nowMs += 100 * HOUR_MS;
    world.network.publish();
    expect(await offered(keeper)).toBe("allowed");
  });
});

describe("a coordinator that hides a brake", () => {
  it("keeps nobody from hearing it who is about to leave: everybody else is asked too", async () => {
    const world = new World();
    approve(world.network, [build]);
    world.mirror.signedBrakes = [world.brake()];
    const keeper = await world.start();
    expect(await offered(keeper)).toBe("allowed");
    expect(await offered(keeper, build, { leaving: true })).toBe("BRAKED");
  });

  it("is found out by the timestamp that names it; with the statement at hand the brake ends like any other", async () => {
    const world = new World();
    approve(world.network, [build]);
    const keeper = await world.start();
    expect(await offered(keeper)).toBe("allowed");
    const brake = world.brake();
    world.network.nameBrakes(brake);
    world.network.publish();
    expect(await offered(keeper, build, { timestampVersion: 2 })).toBe("BRAKED");
    expect(keeper.brakes).toEqual([]);
    expect(await offered(await world.start())).toBe("BRAKED");
    world.network.nameBrakes();
    world.network.publish();
    expect(await offered(keeper, build, { timestampVersion: 3 })).toBe("allowed");
    // It has expired by T, and the publisher, whose clock is behind, still names it.
    world.network.nameBrakes(brake);
    world.network.publish();
    expect(await offered(keeper, build, { timestampVersion: 4, brakes: [brake] })).toBe("BRAKED");
    expect(keeper.brakes).toHaveLength(1);
    world.nowMs += 100 * HOUR_MS;
    world.network.publish();
    expect(await offered(keeper, build, { timestampVersion: 5 })).toBe("allowed");
    expect(await offered(await world.start())).toBe("allowed");
  });

  it("cannot outrun the stream: a brake that is heard during the last refresh holds when it ends", async () => {
    const world = new World();
    approve(world.network, [build]);
    const keeper = await world.start();
    expect(await offered(keeper)).toBe("allowed");
    world.network.publish();
    const { promise, resolve } = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    world.coordinator.fetch = async (file) => {
      asked.resolve();
      await promise;
      return world.coordinator.files.get(fileNameOf(file));
    };
    const lastWord = offered(keeper, build, { timestampVersion: 2, leaving: true });
    await asked.promise;
    expect(keeper.hear([world.brake()]).refusal?.reason).toBe("BRAKED");
    resolve();
    expect(await lastWord).toBe("BRAKED");
  });

  it("is not the one who brakes for next year: what was issued too late by a fresh list holds when its time has come", async () => {
    const world = new World();
    approve(world.network, [build]);
    const keeper = await world.start();
    expect(await offered(keeper)).toBe("allowed");
    const startMs = world.nowMs;
    world.nowMs += 25 * HOUR_MS;
    const early = world.brake();
    world.nowMs = startMs;
    expect(await hear(keeper, early)).toBe("allowed");
    world.nowMs += 25 * HOUR_MS;
    world.network.publish();
    expect(await offered(keeper)).toBe("BRAKED");
  });
});

describe("the disk", () => {
  it("is not written where nothing is new, nor in a wake that wrote already, but for every second time", async () => {
    const world = new World();
    approve(world.network, [build]);
    const keeper = await world.start();
    await offered(keeper);
    world.network.publish();
    const wake = (): Promise<unknown> => keeper.weigh({ ...NOTHING, timestampVersion: 2, wrote: !keeper.owed }, stand);
    await wake();
    expect([world.writes, keeper.owed]).toEqual([1, true]);
    await wake();
    expect([world.writes, keeper.owed]).toEqual([2, false]);
    await wake();
    expect([world.writes, keeper.owed]).toEqual([2, false]);
  });

  it("that is full costs nothing but the memory of it, and is tried again", async () => {
    const world = new World();
    approve(world.network, [build]);
    const keeper = await world.start();
    world.full = true;
    expect(await offered(keeper)).toBe("allowed");
    expect(world.writes).toBe(0);
    world.full = false;
    await keeper.weigh(NOTHING, stand);
    expect(world.writes).toBe(1);
  });
});
