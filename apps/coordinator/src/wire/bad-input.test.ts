import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  AskRequestSchema,
  AskResponseSchema,
  Decision,
  type OutcomeKind,
  type PermitPhase,
  type Slot,
  type WorkState,
} from "@moult/contracts/v1";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { TestCoordinator } from "../testing/coordinator.ts";
import { type TestDevice, WORKING, digestFor } from "../testing/device.ts";
import { rawCall } from "../testing/raw-call.ts";
import { refused, refusedWith } from "../testing/refusal.ts";

const ASK = "/moult.v1.AgentService/Ask";
const INVALID = "INVALID_ARGUMENT FIELD_INVALID";

let home: TestCoordinator;
let device: TestDevice;
let before: string;
beforeAll(async () => {
  home = await TestCoordinator.start();
  device = await home.device();
  await device.ask();
});
afterAll(() => home.stop());
beforeEach(async () => {
  before = await everything();
});

/** What operators see of the fleet, and how often the log was added to. */
async function everything(): Promise<string> {
  const { fleet, operator } = home.clients;
  const { pools } = await fleet.listPools({}, operator);
  const { nodes } = await fleet.listNodes({}, operator);
  return JSON.stringify([pools, nodes], (_, value: unknown) => (typeof value === "bigint" ? `${value}` : value));
}

/** A value of an enum as a newer peer may send it. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names the enum
function unknownTo<E>(value: number): E {
  return value as E;
}

const NUMBERS: readonly (readonly [string, number])[] = [
  ["NaN", Number.NaN],
  ["infinite", Number.POSITIVE_INFINITY],
  ["minus infinite", Number.NEGATIVE_INFINITY],
  ["negative", -0.001],
  ["absurd", 10_000_001],
];

test.each(NUMBERS)("a capacity or load that is %s is refused, and the field is named", async (_, value) => {
  for (const [key, field] of [
    ["capacityRps", "situation.capacity_rps"],
    ["loadRps", "situation.load_rps"],
  ] as const) {
    const situation = { ...WORKING, [key]: value };
    const asked = await refused(device.ask({ situation }));
    expect(`${asked.code} ${asked.reason}`).toBe(INVALID);
    expect(asked.violations.map((violation) => violation.field)).toEqual([field]);
    const told = await refused(device.pulse(situation));
    expect(told.violations.map((violation) => violation.field)).toEqual([`pulse.${field}`]);
  }
  expect(await everything()).toBe(before);
});

test("every field that is wrong is named at once", async () => {
  const asked = await refused(
    device.ask({
      askId: "",
      sequence: 0n,
      runningDigest: "ABC",
      stagedDigest: "x".repeat(64),
      runningVersion: "v".repeat(65),
      drained: true,
      deniedDigests: Array.from({ length: 17 }, () => digestFor("d")),
    }),
  );
  expect(asked.violations.map((violation) => violation.field).sort()).toEqual([
    "ask_id",
    "denied_digests",
    "drained",
    "running_digest",
    "running_version",
    "sequence",
    "staged_digest",
  ]);
  expect(await everything()).toBe(before);
});

test("shards beyond 256, twice the same, or without a name are refused", async () => {
  const many = Array.from({ length: 257 }, (_, n) => `s${n}`);
  for (const shards of [many, ["a", "b", "a"], [""], ["x".repeat(129)]]) {
    expect(await refusedWith(device.pulse({ ...WORKING, shards }))).toBe(INVALID);
  }
  expect(await everything()).toBe(before);
  await device.pulse({ ...WORKING, shards: many.slice(1) });
  await device.pulse();
});

test("host facts that are no numbers are refused", async () => {
  const situation = { ...WORKING, host: { cpuBusyRatio: Number.NaN, networkTxBytesPerS: -1 } };
  const told = await refused(device.pulse(situation));
  expect(told.violations.map((violation) => violation.field)).toEqual([
    "pulse.situation.host.cpu_busy_ratio",
    "pulse.situation.host.network_tx_bytes_per_s",
  ]);
});

test("what must be there and is not is refused", async () => {
  const { agent } = home.clients;
  expect(await refusedWith(agent.ask({ node: device.node }, device.session))).toBe(INVALID);
  expect(await refusedWith(agent.report({ node: device.node }, device.session))).toBe(INVALID);
  expect(await refusedWith(device.report({ case: "pulse", value: {} }))).toBe(INVALID);
  expect(await refusedWith(device.report({ case: "outcome", value: {} }))).toBe(INVALID);
  expect(await everything()).toBe(before);
});

test("a report with a step or an end that this version does not know is refused", async () => {
  const progress = {
    permitId: "p",
    phase: unknownTo<PermitPhase>(9),
    situation: WORKING,
    runningDigest: digestFor("a"),
  };
  expect(await refusedWith(device.report({ case: "progress", value: progress }))).toBe(INVALID);
  const outcome = {
    kind: unknownTo<OutcomeKind>(9),
    situation: WORKING,
    targetDigest: digestFor("a"),
    runningDigest: digestFor("a"),
    runningVersion: "1",
  };
  expect(await refusedWith(device.report({ case: "outcome", value: outcome }))).toBe(INVALID);
  expect(await everything()).toBe(before);
});

test("bytes that are no message, and a message beyond 4 MiB, are refused", async () => {
  const token = device.token;
  expect((await refused(rawCall(home, ASK, Buffer.from("ff".repeat(40), "hex"), token))).code).toBe("INTERNAL");
  const large = Buffer.alloc(4 * 1024 * 1024 + 1);
  expect((await refused(rawCall(home, ASK, large, token))).code).toBe("RESOURCE_EXHAUSTED");
  expect(await everything()).toBe(before);
  await device.pulse();
});

test("unknown fields and enum values of a newer peer are survived", async () => {
  const message = create(AskRequestSchema, {
    ...device.askRequest(),
    slot: unknownTo<Slot>(77),
    situation: { ...WORKING, workState: unknownTo<WorkState>(77) },
    features: ["something-new"],
  });
  // Field 1000, length-delimited, three bytes.
  const unknown = Buffer.from([0xc2, 0x3e, 0x03, 0x61, 0x62, 0x63]);
  const bytes = Buffer.concat([toBinary(AskRequestSchema, message), unknown]);
  const { verdict } = fromBinary(AskResponseSchema, await rawCall(home, ASK, bytes, device.token));
  expect(verdict?.decision).toBe(Decision.STAY);
  // A work state that is not known brings no capacity.
  const { pools } = await home.clients.fleet.listPools({}, home.clients.operator);
  expect(pools[0]?.capacityFreshRps).toBe(0);
  await device.pulse();
});

test("versions that are named like what every object has are counted like any other", async () => {
  const { fleet, operator } = home.clients;
  await device.ask({ runningVersion: "constructor" });
  const [first] = await Array.fromAsync(firstOf(fleet.watchFleet({}, { bearer: operator.bearer ?? "" })));
  expect(first?.nodesByVersion).toEqual({ constructor: 1 });
  await device.ask();
});

async function* firstOf<T>(stream: AsyncIterable<T> & { cancel: () => void; on: (e: "error", l: () => void) => void }) {
  stream.on("error", () => undefined);
  for await (const message of stream) {
    yield message;
    break;
  }
  stream.cancel();
}

test("operators' mistakes are named too", async () => {
  const { rollout, fleet, operator } = home.clients;
  const share = (fraction: number): Promise<unknown> =>
    rollout.setDial({ dial: { release: "releases/1", setting: { case: "share", value: { fraction } } } }, operator);
  expect(await refusedWith(share(Number.NaN))).toBe(INVALID);
  expect(await refusedWith(share(1.01))).toBe(INVALID);
  const override = { pool: "pools/home", reason: "because", deficitMaxRps: 5 };
  const wrongs: readonly (readonly [{ readonly [key: string]: unknown }, number])[] = [
    [{ deficitMaxRps: Number.NaN }, 60],
    [{ deficitMaxRps: Number.POSITIVE_INFINITY }, 60],
    [{ deficitMaxRps: 0 }, 60],
    [{ reason: "  " }, 60],
    [{ pool: "home" }, 60],
    [{ nodes: ["n1"] }, 60],
    [{}, 0],
    [{}, 86_401],
  ];
  for (const [more, ttlS] of wrongs) {
    const call = rollout.createOverride({ override: { ...override, ...more }, ttlS }, operator);
    expect(await refusedWith(call)).toBe(INVALID);
  }
  expect((await rollout.listOverrides({}, operator)).overrides).toEqual([]);
  const nothing = { dial: { release: "releases/1", setting: { case: "named" as const, value: { selectors: [{}] } } } };
  expect(await refusedWith(rollout.setDial(nothing, operator))).toBe(INVALID);
  expect(await refusedWith(rollout.engageBrake({ reason: " " }, operator))).toBe(INVALID);
  expect(await refusedWith(fleet.listNodes({ pageSize: 1001 }, operator))).toBe(INVALID);
  expect(await refusedWith(fleet.listNodes({ pageToken: "bm9uZQ" }, operator))).toBe(INVALID);
  expect(await refusedWith(fleet.getNode({ name: "nodes/../../etc" }, operator))).toBe(INVALID);
  for (const wrong of [
    { pool: "pools/UP", uses: 1, ttlS: 1 },
    { pool: "pools/a", uses: 0, ttlS: 1 },
    { pool: "pools/a", uses: 1, ttlS: 157_680_001 },
    { pool: "pools/a", uses: 1, ttlS: 1, labels: { "a b": "c" } },
  ]) {
    expect(await refusedWith(fleet.createEnrollmentToken(wrong, operator))).toBe(INVALID);
  }
  expect(await everything()).toBe(before);
});
