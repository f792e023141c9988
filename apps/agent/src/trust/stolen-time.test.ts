/** The publisher's one online key in a thief's hands: how far it moves T, and how the root quorum puts T right again. */
import { writeBrakeStatement } from "@moult/contracts";
import { generateKey, TIME_RULES_DEFAULT } from "@moult/trust";
import { type KeptMetadata, headIn, keptRoot, publish } from "@moult/trust/tuf";
import { publicHex } from "@moult/trust/testing";
import { expect, it } from "vitest";
import type { KeptTrust } from "../adapters/metadata-file.ts";
import { TestSource, openKeeper, sourcesOf } from "../testing/device-trust.ts";
import { makeNetwork, makeTestBuild, offer } from "../testing/test-build.ts";
import { DeviceTime } from "../time/device-time.ts";
import type { TrustKeeper } from "./keeper.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.UTC(2026, 10, 21);
const build = makeTestBuild();
const running = { slot: "factory", digest: "a".repeat(64), version: "1.0.0", releaseCounter: 1 } as const;
const stand = { running: { ...running, workIdentity: "none", healthTimeoutMs: 1, soakMs: 0 }, denied: [] };

/** A device that lives since the start, and a publisher whose clock is its own affair. */
class World {
  nowMs = START_MS;
  aheadMs = 0;
  readonly network = makeNetwork(() => this.nowMs + this.aheadMs);
  readonly coordinator = new TestSource("coordinator", this.network.files);
  readonly time = new DeviceTime({
    clock: { nowMs: () => this.nowMs - START_MS },
    bootId: "boot",
    rules: { ...TIME_RULES_DEFAULT, boundMs: START_MS + 3650 * DAY_MS },
    kept: undefined,
    buildTimeMs: START_MS,
  });
  kept: KeptTrust | undefined;

  start(): Promise<TrustKeeper> {
    const { time } = this;
    return openKeeper({
      file: { read: async () => ({ kept: this.kept, damaged: false }), write: async (kept) => void (this.kept = kept) },
      flashedRoot: this.network.flashedRoot,
      sources: sourcesOf(this.coordinator),
      nowMs: () => time.nowMs(),
      slowMs: () => time.slowMs(),
      clock: { nowMs: () => this.nowMs },
      onSignedTime: (timeMs) => time.take({ kind: "SIGNED", timeMs }),
      onRootTime: ({ version, timeMs }) => time.take({ kind: "ROOT_RESET", counter: version, timeMs }),
    });
  }

  get aheadDays(): { readonly fast: number; readonly slow: number } {
    const days = (timeMs: number): number => Math.round((timeMs - this.nowMs) / DAY_MS);
    return { fast: days(this.time.nowMs()), slow: days(this.time.slowMs()) };
  }
}

async function offered(keeper: TrustKeeper, timestampVersion = 99): Promise<string> {
  const heard = { brakes: [], timestampVersion, leaving: true, wrote: false, target: offer(build, []) };
  return (await keeper.weigh(heard, stand))?.reason ?? "allowed";
}

it("opens no cohort and ends no brake by more than a day at once, however often it signs", async () => {
  const world = new World();
  const cohort = { seed: "1".repeat(64), steps: [{ notBeforeMs: START_MS + 20 * DAY_MS, sharePpm: 1_000_000 }] };
  world.network.allow(world.network.entry(build.bytes, { cohort }));
  const keeper = await world.start();
  expect(await offered(keeper)).toBe("OUTSIDE_COHORT");
  const said = { network: "test", issuedMs: START_MS, expiresMs: START_MS + 7 * DAY_MS, body: { reason: "smoke" } };
  keeper.hear([world.network.brake(writeBrakeStatement(said))]);
  world.aheadMs = 29 * DAY_MS;
  for (let signed = 0; signed < 5; signed += 1) {
    world.network.publish();
    expect(await offered(keeper)).toBe("BRAKED");
  }
  expect(world.aheadDays).toEqual({ fast: 29, slow: 1 });
  // What is lived counts fully: the brake ends, and the cohort opens, in days that pass.
  world.aheadMs = 0;
  world.nowMs += 7 * DAY_MS;
  expect(keeper.brakes).toEqual([]);
});

it("is undone by a root that says what time it is, taken once, also where a power cut comes between", async () => {
  const world = new World();
  world.network.allow(world.network.entry(build.bytes));
  const keeper = await world.start();
  expect(await offered(keeper)).toBe("allowed");
  world.aheadMs = 29 * DAY_MS;
  world.network.publish();
  expect(await offered(keeper)).toBe("allowed");
  expect(world.aheadDays.fast).toBe(29);
  // A new publisher, whose clock is right: what it signs seems to have ended long ago.
  world.aheadMs = 0;
  world.nowMs += HOUR_MS;
  const { network } = world;
  const key = generateKey();
  const role = { threshold: 1, keys: [publicHex(key)] };
  const { roles } = keptRoot({ root: network.root, targets: new Map() });
  const change = { roles: { ...roles, snapshot: role, timestamp: role } };
  let previous: { readonly snapshot: Uint8Array; readonly timestamp: Uint8Array } | undefined;
  const serve = (): void => {
    const list = network.targets ?? new Uint8Array();
    const keys = { snapshotKeys: [key.privateKey], timestampKeys: [key.privateKey] };
    const { nowMs } = world;
    const before = previous && { previous };
    const parts = { root: network.root, targets: list, nowMs, snapshotLifetimeMs: DAY_MS };
    const files = publish({ ...parts, ...keys, ...before });
    network.files.set(`${headIn(files.snapshot).version}.snapshot.json`, files.snapshot);
    network.files.set("timestamp.json", files.timestamp);
    previous = files;
  };
  network.rotate(change);
  serve();
  expect(await offered(keeper)).toBe("METADATA");
  network.rotate({ timeMs: world.nowMs });
  expect(await offered(keeper)).toBe("allowed");
  expect(world.aheadDays).toEqual({ fast: 0, slow: 0 });
  // The root that follows says nothing of time, and the one before is not taken again.
  world.nowMs += 2 * DAY_MS;
  network.rotate({});
  serve();
  expect(await offered(await world.start())).toBe("allowed");
  expect(world.aheadDays).toEqual({ fast: 0, slow: 0 });
});

it("of the root it was flashed with, a device takes no time", async () => {
  const world = new World();
  world.network.rotate({ timeMs: START_MS - 9 * DAY_MS });
  const kept: KeptMetadata = { root: world.network.root, targets: new Map() };
  world.kept = { metadata: kept, brakes: [] };
  const keeper = await openKeeper({
    flashedRoot: world.network.root,
    sources: sourcesOf(world.coordinator),
    nowMs: () => world.nowMs,
    onRootTime: () => expect.unreachable(),
  });
  world.network.allow(world.network.entry(build.bytes));
  expect(await offered(keeper)).toBe("allowed");
});
