import { createHash, createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { generateKey } from "@moult/trust";
import { TestNetwork, publicHex, signedBy } from "@moult/trust/testing";
import { keptRoot, rotateRoot } from "@moult/trust/tuf";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TestCoordinator } from "../testing/coordinator.ts";
import { type Signed, entryOf, forged } from "../testing/forge.ts";
import { type TestBuild, buildOf } from "../testing/network.ts";
import { refused, refusedWith } from "../testing/refusal.ts";

const WRONG = "INVALID_ARGUMENT METADATA_INVALID";
const NOT_NEXT = "FAILED_PRECONDITION METADATA_INVALID";
const UNKNOWN = "NOT_FOUND METADATA_UNKNOWN";
const DAY_MS = 86_400_000;

let home: TestCoordinator;
let network: TestNetwork;
beforeEach(async () => {
  home = await TestCoordinator.start();
  ({ network } = home);
});
afterEach(() => home.stop());

type Files = readonly [list: Uint8Array, snapshot: Uint8Array, timestamp: Uint8Array];

function listOf(...builds: TestBuild[]): Files {
  return network.allow(...builds.map(({ manifest }) => network.entry(manifest))) as unknown as Files;
}

function handIn(...files: Uint8Array[]): Promise<unknown> {
  return home.clients.metadata.publishMetadata({ files }, home.clients.publisher);
}

async function fileOf(role: string, version = 0): Promise<Buffer> {
  const { file } = await home.clients.metadata.getMetadata({ role, version: BigInt(version) }, { timeoutMs: 10_000 });
  return Buffer.from(file);
}

/** Each role's version, and how many builds are listed. */
async function published(): Promise<object> {
  const status = await home.clients.metadata.getMetadataStatus({}, home.clients.viewer);
  const versions = status.files.map(({ role, version }) => [role, Number(version)]);
  return { ...Object.fromEntries(versions), builds: status.builds };
}

test("before the first list there is the root alone; it is asked for by its version", async () => {
  expect(await published()).toEqual({ root: 1, builds: 0 });
  expect(await fileOf("root", 1)).toEqual(Buffer.from(network.flashedRoot));
  expect(await refusedWith(fileOf("root"))).toBe("INVALID_ARGUMENT FIELD_INVALID");
  expect(await refusedWith(fileOf("mirrors", 1))).toBe("INVALID_ARGUMENT FIELD_INVALID");
  for (const role of ["timestamp", "snapshot", "targets"]) expect(await refusedWith(fileOf(role))).toBe(UNKNOWN);
  expect(await refusedWith(fileOf("root", 2))).toBe(UNKNOWN);
});

test("what is published is given out byte for byte, survives a restart, and repeating it changes nothing", async () => {
  const [list, snapshot, timestamp] = listOf(buildOf("2.0.0", 2));
  await handIn(list, snapshot, timestamp);
  await handIn(timestamp, list, snapshot, network.flashedRoot);
  await home.down();
  await home.up();
  expect(await published()).toEqual({ root: 1, targets: 1, snapshot: 1, timestamp: 1, builds: 1 });
  expect(await fileOf("timestamp")).toEqual(Buffer.from(timestamp));
  expect(await fileOf("snapshot", 1)).toEqual(Buffer.from(snapshot));
  expect(await fileOf("targets", 1)).toEqual(Buffer.from(list));
});

test("a device in the middle of a refresh still finds the files of before", async () => {
  const first = listOf(buildOf("2.0.0", 2));
  await handIn(...first);
  await handIn(...listOf(buildOf("2.1.0", 3)));
  expect(await fileOf("snapshot", 1)).toEqual(Buffer.from(first[1]));
  await handIn(...listOf(buildOf("2.2.0", 4)));
  expect(await refusedWith(fileOf("snapshot", 1))).toBe(UNKNOWN);
  expect(Buffer.from(await fileOf("snapshot", 2))).not.toEqual(Buffer.from(first[1]));
});

test("files that too few, or the wrong keys, have signed are refused whole", async () => {
  const before = listOf(buildOf("2.0.0", 2));
  await handIn(...before);
  const [list, snapshot, timestamp] = listOf(buildOf("2.1.0", 3));
  const { council, publisher, stranger } = network.keys;
  const same = (): void => undefined;
  /** The list as these signed it, under a snapshot and a timestamp of the true publisher. */
  const under = (file: Uint8Array): Uint8Array[] => {
    const above = forged(snapshot, ({ meta }) => (meta["targets.json"] = entryOf(file)), [publisher]);
    return [file, above, forged(timestamp, ({ meta }) => (meta["snapshot.json"] = entryOf(above)), [publisher])];
  };
  const one = council.slice(0, 1);
  for (const keys of [[], one, [publisher], [stranger, ...one], network.keys.root]) {
    expect(await refusedWith(handIn(...under(forged(list, same, keys))))).toBe(WRONG);
  }
  expect(await refusedWith(handIn(list, snapshot, forged(timestamp, same, [stranger])))).toBe(WRONG);
  expect(await refusedWith(handIn(list, snapshot, forged(timestamp, same, council)))).toBe(WRONG);
  expect(await refusedWith(handIn(list, forged(snapshot, same, [stranger]), timestamp))).toBe(WRONG);
  expect(await published()).toEqual({ root: 1, targets: 1, snapshot: 1, timestamp: 1, builds: 1 });
  await handIn(list, snapshot, timestamp);
  expect(await published()).toMatchObject({ targets: 2, builds: 2 });
});

test("files that have run out, or are of another network, are refused", async () => {
  const late = new TestNetwork({ network: network.network, nowMs: () => Date.now() - 2 * DAY_MS });
  expect(await refusedWith(handIn(...late.allow()))).toBe(WRONG);
  const stale = listOf(buildOf("2.0.0", 2));
  home.putForward(DAY_MS);
  expect(await refusedWith(handIn(...stale))).toBe(WRONG);
  const other = new TestNetwork({ network: "other", nowMs: () => home.now() });
  expect(await refusedWith(handIn(...other.allow()))).toBe(WRONG);
  const [list, snapshot, timestamp] = network.publish() as unknown as Files;
  const { publisher } = network.keys;
  const elsewhere = forged(timestamp, ({ moult }) => (moult["network"] = "other"), [publisher]);
  expect(await refusedWith(handIn(list, snapshot, elsewhere))).toBe(WRONG);
  expect(await published()).toEqual({ root: 1, builds: 0 });
});

test("files that do not go together are refused", async () => {
  const first = listOf(buildOf("2.0.0", 2));
  await handIn(...first);
  const [list, snapshot, timestamp] = listOf(buildOf("2.1.0", 3));
  expect(await refusedWith(handIn(snapshot, timestamp))).toBe(NOT_NEXT);
  expect(await refusedWith(handIn(list, timestamp))).toBe(NOT_NEXT);
  expect(await refusedWith(handIn(list))).toBe(WRONG);
  expect(await refusedWith(handIn(first[0], snapshot, timestamp))).toBe(NOT_NEXT);
  expect(await refusedWith(handIn(list, first[1], timestamp))).toBe(NOT_NEXT);
  expect(await refusedWith(handIn(...first, list, snapshot))).toBe(WRONG);
  expect(await published()).toMatchObject({ targets: 1, timestamp: 1 });
});

test("files older than what is published, or of its versions and other bytes, are refused", async () => {
  const first = listOf(buildOf("2.0.0", 2));
  await handIn(...first);
  const [list, snapshot, timestamp] = listOf(buildOf("2.1.0", 3));
  await handIn(list, snapshot, timestamp);
  expect(await refusedWith(handIn(...first))).toBe(NOT_NEXT);
  const sooner = forged(
    timestamp,
    (signed) => {
      signed.expires = new Date(Date.parse(signed.expires) - 1000).toISOString().replace(".000", "");
    },
    [network.keys.publisher],
  );
  expect(await refusedWith(handIn(list, snapshot, sooner))).toBe(NOT_NEXT);
  expect(await fileOf("timestamp")).toEqual(Buffer.from(timestamp));
});

test("of two publishers who hand in at once one is first, and the other is told", async () => {
  await handIn(...listOf(buildOf("2.0.0", 2)));
  const [list, snapshot, timestamp] = network.publish() as unknown as Files;
  const rivals = Array.from({ length: 8 }, (_, n) =>
    forged(
      timestamp,
      (signed) => {
        signed.expires = new Date(Date.parse(signed.expires) - n * 1000).toISOString().replace(".000", "");
      },
      [network.keys.publisher],
    ),
  );
  const told = await Promise.allSettled(rivals.map((rival) => handIn(list, snapshot, rival)));
  expect(told.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  const losers = told.flatMap((one) => (one.status === "rejected" ? [Promise.reject(one.reason as Error)] : []));
  expect(new Set(await Promise.all(losers.map(refusedWith)))).toEqual(new Set([NOT_NEXT]));
});

test("what is no metadata, too many files, or too much, is refused by name", async () => {
  const junk = [Buffer.from("{}"), Buffer.from("\u0000"), Buffer.alloc(2_000_000, 0x20), Buffer.from("[".repeat(5000))];
  for (const file of junk) expect(await refusedWith(handIn(file))).toBe(WRONG);
  expect(await refusedWith(handIn())).toBe(WRONG);
  expect(await refusedWith(handIn(...Array.from({ length: 65 }, () => network.flashedRoot)))).toBe(WRONG);
  const large = Buffer.alloc(1_048_576, 0x20);
  expect(await refusedWith(handIn(large, large, large, large.subarray(1)))).toMatch(/METADATA_INVALID|RESOURCE/);
});

test("a root follows its predecessor, step by step, by the quorums of both", async () => {
  await handIn(...listOf(buildOf("2.0.0", 2)));
  const expiresMs = home.now() + 100 * DAY_MS;
  const two = network.rotate({ expiresMs });
  const three = network.rotate({ expiresMs });
  const alone = forged(two, () => undefined, network.keys.root.slice(0, 1));
  expect(await refusedWith(handIn(alone))).toBe(WRONG);
  expect(await refusedWith(handIn(three))).toBe(NOT_NEXT);
  await handIn(three, two);
  expect(await published()).toMatchObject({ root: 3, timestamp: 1 });
  expect(await fileOf("root", 2)).toEqual(Buffer.from(two));
  const forks = ({ moult }: { moult: Record<string, unknown> }): void => void (moult["breakers"] = []);
  expect(await refusedWith(handIn(forged(three, forks, network.keys.root)))).toBe(NOT_NEXT);
});

test("a stolen publisher key that drove versions to their end is replaced by the root's quorum", async () => {
  const [list, ,] = listOf(buildOf("2.0.0", 2));
  await handIn(...(network.publish(list) as unknown as Files));
  const { publisher } = network.keys;
  const [, snapshot, timestamp] = network.publish(list) as unknown as Files;
  const last = forged(timestamp, (signed) => (signed.version = Number.MAX_SAFE_INTEGER), [publisher]);
  await handIn(snapshot, last);
  expect(await published()).toMatchObject({ timestamp: Number.MAX_SAFE_INTEGER });
  expect(await refusedWith(handIn(...network.publish()))).toBe(NOT_NEXT);

  const fresh = generateKey();
  const role = { threshold: 1, keys: [publicHex(fresh)] };
  const { roles } = keptRoot({ root: network.root, targets: new Map() });
  const root = network.rotate({ roles: { ...roles, snapshot: role, timestamp: role } });
  expect(await refusedWith(handIn(root))).toBe(NOT_NEXT);
  const first = forged(snapshot, (signed) => (signed.version = 1), [fresh]);
  const again = forged(
    timestamp,
    (signed) => {
      signed.version = 1;
      signed.meta["snapshot.json"] = entryOf(first);
    },
    [fresh],
  );
  await handIn(root, list, first, again);
  expect(await published()).toEqual({ root: 2, targets: 1, snapshot: 1, timestamp: 1, builds: 1 });
  await home.down();
  await home.up();
  expect(await published()).toEqual({ root: 2, targets: 1, snapshot: 1, timestamp: 1, builds: 1 });
});

test("only the publisher publishes, and it may do nothing else", async () => {
  const files = [...listOf()];
  const { metadata, rollout, operator, viewer, publisher } = home.clients;
  const denied = "PERMISSION_DENIED ACCESS_DENIED";
  expect(await refusedWith(metadata.publishMetadata({ files }, operator))).toBe(denied);
  expect(await refusedWith(metadata.publishMetadata({ files }, viewer))).toBe(denied);
  expect(await refusedWith(metadata.submitBrake({ statement: new Uint8Array([1]) }, publisher))).toBe(denied);
  expect(await refusedWith(rollout.engageBrake({ reason: "smoke" }, publisher))).toBe(denied);
  await home.upload(buildOf("2.0.0", 2));
  const headers = { authorization: `Bearer ${publisher.bearer}` };
  const body = Buffer.from("part");
  expect((await home.clients.http("PUT", `/v1/parts/${"ab".repeat(32)}`, { headers, body })).status).toBe(403);
});

test("a timestamp from more than an hour ahead is refused, and moves nobody's time", async () => {
  const HOUR_MS = 3_600_000;
  const { publisher } = network.keys;
  const [list, snapshot, timestamp] = listOf(buildOf("2.0.0", 2));
  const issuedAt = (ms: number): Uint8Array => {
    const text = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 19)}Z`;
    const change = (signed: Signed): void => {
      signed.moult["issued"] = text(home.now() + ms);
      signed.expires = text(home.now() + ms + HOUR_MS);
    };
    return forged(timestamp, change, [publisher]);
  };
  for (const aheadMs of [HOUR_MS + 60_000, 29 * DAY_MS]) {
    const { code, reason, message } = await refused(handIn(list, snapshot, issuedAt(aheadMs)));
    expect([`${code} ${reason}`, message]).toEqual([WRONG, expect.stringMatching(/issued at .*; here it is/)]);
  }
  expect(await published()).toEqual({ root: 1, builds: 0 });
  await handIn(list, snapshot, issuedAt(HOUR_MS - 60_000));
  expect(await published()).toMatchObject({ timestamp: 1 });
});

test("a root that pins other servers than this one is refused by name; as server or as spare it may be pinned", async () => {
  const own = createHash("sha256")
    .update(
      createPublicKey(readFileSync(join(home.config.state_dir, "tls", "server.pem"))).export({
        type: "spki",
        format: "der",
      }),
    )
    .digest("hex");
  const [one, two] = ["11".repeat(32), "22".repeat(32)];
  await handIn(...listOf());
  const before = network.root;
  const cutOff = network.rotate({ serverKeys: { active: [one], backup: [two] } });
  const { code, reason, message } = await refused(handIn(cutOff));
  expect([`${code} ${reason}`, message]).toEqual([WRONG, expect.stringContaining(own)]);
  expect(message).toContain(one);
  expect(await published()).toMatchObject({ root: 1 });
  const pinning = (active: string, backup: string): Uint8Array =>
    signedBy(rotateRoot(before, { serverKeys: { active: [active], backup: [backup] } }), network.keys.root);
  await handIn(pinning(own, one));
  expect(await published()).toMatchObject({ root: 2 });
  const asSpare = signedBy(
    rotateRoot(pinning(own, one), { serverKeys: { active: [one], backup: [own] } }),
    network.keys.root,
  );
  await handIn(asSpare);
  expect(await published()).toMatchObject({ root: 3 });
});
