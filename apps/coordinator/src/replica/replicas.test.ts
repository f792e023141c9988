import { readFileSync } from "node:fs";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { createClient, secureChannel } from "@moult/contracts";
import { TrunkService } from "@moult/contracts/replica";
import { AttendRequestSchema, ReportRequestSchema } from "@moult/contracts/v1";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { POSTGRES_MISSING, PostgresServer, postgresBinaries } from "../store/testing/postgres-server.ts";
import { WORKING } from "../testing/device.ts";
import { listen } from "../testing/stream.ts";
import { until } from "../testing/wait.ts";
import { TestFleet, type TestReplica } from "./testing/fleet.ts";

const isMissing = postgresBinaries() === undefined;
if (isMissing) test.skip(POSTGRES_MISSING, () => expect.unreachable());

/** What is told to one that calls as a replica does and has not the secret; with a device's good session. */
async function trunkOfAStranger({ state, devices, replicas: [first] }: TestFleet): Promise<unknown> {
  const { grpc } = JSON.parse(readFileSync(join(state, `endpoints-${first?.name}.json`), "utf8")) as { grpc: string };
  const { credentials, options } = secureChannel(grpc, readFileSync(join(state, "tls", "ca.pem")));
  const client = createClient(TrunkService, grpc, credentials, options);
  try {
    const stream = listen(client.hand({ bearer: devices[0]?.token ?? "" }));
    return await until("it is refused", stream.error);
  } finally {
    client.close();
  }
}

/** Of the deep run. */
const ROUNDS = Number(process.env["MOULT_ROUNDS"] ?? 100);

describe.skipIf(isMissing)("three coordinators on one database", () => {
  let server: PostgresServer;
  let fleet: TestFleet;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.remove());
  beforeEach(async () => {
    fleet = await TestFleet.start(server, 3);
    await fleet.populate();
  }, 60_000);
  afterEach(() => fleet.stop());

  test("serve one fleet through any of them; one that decides is killed, and another does", async () => {
    const [, second, third] = fleet.replicas;
    if (second === undefined || third === undefined) throw new Error("there are three");
    const [device] = fleet.devices;
    if (device === undefined) throw new Error("there are devices");
    // A stream of each kind through those that do not decide.
    const attend = second.clients.agent.attend({ bearer: device.token });
    const notices = listen(attend);
    const report = create(ReportRequestSchema, device.reportRequest({ case: "pulse", value: { situation: WORKING } }));
    attend.write(create(AttendRequestSchema, { message: { case: "report", value: report } }));
    const members = listen(third.clients.membership.watch({}, { bearer: third.clients.viewerToken }));
    await members.find("all members", (message) => message.members.length === fleet.devices.length);
    const { rollout, operator } = third.clients;
    await until("the nudge has somebody", async () => (await rollout.nudgeNodes({ nodes: [] }, operator)).told === 1);
    await notices.find("a nudge", ({ message }) => message.case === "nudge");
    const wrong = await second.clients.fleet
      .listPools({}, { bearer: "wrong", timeoutMs: 5_000 })
      .catch((error: unknown) => error);
    expect(wrong).toMatchObject({ code: status.UNAUTHENTICATED });
    await expect(trunkOfAStranger(fleet)).resolves.toMatchObject({ code: status.PERMISSION_DENIED });
    const before = await statusOf(third);
    expect(before.replicas).toEqual(["r1 decides", "r2 hands on", "r3 hands on"]);
    fleet.load();
    await until("some are acknowledged", () => fleet.acknowledged.length > 20 || undefined);
    await fleet.drop("r1").process.end("SIGKILL");
    await fleet.goesOn();
    await until("the streams have ended", () => (notices.error() && members.error()) ?? undefined);
    await until("more are acknowledged", () => fleet.acknowledged.length > 60 || undefined);
    await fleet.quiet();
    expect(await fleet.faults()).toEqual([]);
    const after = await statusOf(third);
    expect(after.replicas.filter((line) => line.endsWith("decides"))).toHaveLength(1);
    expect(after.replicas).toContain("r1 gone");
    // Each pool under a new epoch, and the log's order too.
    expect(after.epochs.map((epoch, n) => epoch > (before.epochs[n] ?? epoch))).toEqual([true, true, true]);
    // Metadata and the log are had from any of them.
    for (const { clients } of fleet.replicas) {
      expect((await clients.http("GET", "/v1/metadata/timestamp.json")).status).toBe(200);
      await until("a checkpoint", async () => (await clients.http("GET", "/v1/audit/checkpoint")).status === 200);
    }
  });

  test("who attends through one that is killed attends no more, and comes back through another", async () => {
    const [, second, third] = fleet.replicas;
    if (second === undefined || third === undefined) throw new Error("there are three");
    const { rollout, operator } = third.clients;
    const told = async (): Promise<number> => (await rollout.nudgeNodes({ nodes: [] }, operator)).told;
    const attends = ({ clients }: TestReplica): void => {
      for (const { token } of fleet.devices) listen(clients.agent.attend({ bearer: token }));
    };
    attends(second);
    await until("all are there", async () => (await told()) === fleet.devices.length || undefined);
    await fleet.drop(second.name).process.end("SIGKILL");
    await until("none is there", async () => (await told()) === 0 || undefined);
    attends(third);
    await until("all are back", async () => (await told()) === fleet.devices.length || undefined);
  });

  /** What a coordinator says of all of them; epochs of the fleet, of the pool and of the log. */
  const statusOf = async ({ clients }: TestReplica) => {
    const { store, replicas, pools, sequencer } = await clients.fleet.getStatus({}, clients.viewer);
    expect(store).toMatchObject({ engine: "postgres", healthy: true });
    expect(pools.map(({ pool }) => pool)).toEqual(["", "pools/home"]);
    return {
      replicas: replicas.map(
        ({ name, alive, deciding }) => `${name} ${alive ? (deciding ? "decides" : "hands on") : "gone"}`,
      ),
      epochs: [...pools.map(({ epoch }) => epoch), sequencer?.epoch ?? 0n],
    };
  };

  test("one that slept past its lease is fenced, hands on, and takes its turn again", async () => {
    fleet.load();
    await until("some are acknowledged", () => fleet.acknowledged.length > 20 || undefined);
    const slept = fleet.drop("r1");
    slept.process.signal("SIGSTOP");
    await fleet.goesOn();
    const { rollout, fleet: calls, operator, viewer } = slept.clients;
    const [other] = fleet.replicas;
    // On a busy machine the seat may move once more meanwhile; what was refused has changed nothing.
    await until("the brake is engaged", () =>
      other?.clients.rollout.engageBrake({ reason: "while it slept" }, operator).catch(() => undefined),
    );
    // They wait for it in the socket: the first that it does when it wakes is to look at them, and not at the clock.
    const asked = Array.from({ length: 20 }, () =>
      rollout.getBrake({}, operator).then(
        ({ brake }) => brake?.engaged,
        () => "REFUSED",
      ),
    );
    slept.process.signal("SIGCONT");
    fleet.replicas.push(slept);
    expect(await Promise.all(asked)).not.toContain(false);
    const engaged = await until("it hands on", async () =>
      rollout.engageBrake({ reason: "through the one that slept" }, operator).catch(() => undefined),
    );
    expect(engaged.brake?.engaged).toBe(true);
    await rollout.releaseBrake({ reason: "again" }, operator);
    expect((await calls.listPools({}, viewer)).pools[0]?.nodes).toBe(fleet.devices.length);
    await until("more are acknowledged", () => fleet.acknowledged.length > 60 || undefined);
    await fleet.quiet();
    expect(await fleet.faults()).toEqual([]);
  });

  test("one that is stopped gives the seat away at once, and nothing is refused for long", async () => {
    fleet.load();
    await until("some are acknowledged", () => fleet.acknowledged.length > 20 || undefined);
    const ended = fleet.drop("r1").process.end("SIGTERM");
    await fleet.goesOn();
    expect((await ended).code).toBe(0);
    // It said that it goes: nobody had to miss it first.
    const [second] = fleet.replicas;
    if (second === undefined) throw new Error("there are two");
    expect((await statusOf(second)).replicas.map((line) => line.slice(0, 2))).toEqual(["r2", "r3"]);
    const back = await fleet.add("r1");
    expect((await back.clients.fleet.listPools({}, back.clients.viewer)).pools).toHaveLength(1);
    await until("more are acknowledged", () => fleet.acknowledged.length > 60 || undefined);
    await fleet.quiet();
    expect(await fleet.faults()).toEqual([]);
  });

  // MOULT_DEEP=1 for rounds without end to the load, MOULT_SEED to have the same again.
  test.skipIf(process.env["MOULT_DEEP"] === undefined)(
    "outlive one blow after another",
    async () => {
      const seed = Number(process.env["MOULT_SEED"] ?? Date.now() % 1_000_000);
      const tookMs: Record<string, number[]> = { SIGKILL: [], SIGSTOP: [], SIGTERM: [] };
      for (let round = 0; round < ROUNDS; round += 1) {
        const blow =
          (["SIGKILL", "SIGSTOP", "SIGTERM"] as const)[(seed * 7 + round * 31 + (round >> 2)) % 3] ?? "SIGKILL";
        fleet.load();
        const acknowledged = fleet.acknowledged.length;
        await until("some are acknowledged", () => fleet.acknowledged.length > acknowledged + 20 || undefined);
        const name = await deciding();
        const began = performance.now();
        const struck = fleet.drop(name);
        if (blow === "SIGSTOP") struck.process.signal("SIGSTOP");
        else void struck.process.end(blow);
        await until("another decides", async () => ((await deciding()) === name ? undefined : true));
        await fleet.goesOn();
        tookMs[blow]?.push(fleet.longestSilenceMs(began));
        if (blow === "SIGSTOP") {
          struck.process.signal("SIGCONT");
          fleet.replicas.push(struck);
        } else {
          await struck.process.ended;
          await fleet.add(name);
        }
        await fleet.quiet();
        expect(await fleet.faults(), `seed ${seed}, round ${round}, ${blow}`).toEqual([]);
      }
      process.stdout.write(`seed ${seed}: nothing acknowledged for so many ms ${JSON.stringify(tookMs)}\n`);
    },
    3_600_000,
  );

  const deciding = (): Promise<string> =>
    until("somebody decides", async () => {
      const [asked] = fleet.replicas;
      const { replicas } = (await asked?.clients.fleet.getStatus({}, asked.clients.viewer)) ?? { replicas: [] };
      return replicas.find((replica) => replica.deciding)?.name;
    });
});
