import { create } from "@bufbuild/protobuf";
import { AttendRequestSchema, ReportRequestSchema } from "@moult/contracts/v1";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { POSTGRES_MISSING, PostgresServer, postgresBinaries } from "../store/testing/postgres-server.ts";
import { WORKING } from "../testing/device.ts";
import { listen } from "../testing/stream.ts";
import { until } from "../testing/wait.ts";
import { TestFleet } from "./testing/fleet.ts";

const isMissing = postgresBinaries() === undefined;
if (isMissing) test.skip(POSTGRES_MISSING, () => expect.unreachable());

/** Design 8 wants a takeover within this; a lease of 3 s is the most of it. */
const TAKEOVER_MS = 5_000;

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
  });
  afterEach(() => fleet.stop());

  /** How long nothing is acknowledged, from `since` on. */
  const silence = async (since: number): Promise<number> => {
    const before = fleet.acknowledged.length;
    await until("something is acknowledged again", () => fleet.acknowledged.length > before || undefined);
    return performance.now() - since;
  };

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
    expect(wrong).toMatchObject({ code: 16 });
    fleet.load();
    await until("some are acknowledged", () => fleet.acknowledged.length > 20 || undefined);
    await fleet.drop("r1").process.end("SIGKILL");
    expect(await silence(performance.now())).toBeLessThan(TAKEOVER_MS);
    await until("the streams have ended", () => (notices.error() && members.error()) ?? undefined);
    await until("more are acknowledged", () => fleet.acknowledged.length > 60 || undefined);
    await fleet.quiet();
    expect(await fleet.faults()).toEqual([]);
    // Metadata and the log are had from any of them.
    for (const { clients } of fleet.replicas) {
      expect((await clients.http("GET", "/v1/metadata/timestamp.json")).status).toBe(200);
      await until("a checkpoint", async () => (await clients.http("GET", "/v1/audit/checkpoint")).status === 200);
    }
  });

  test("one that slept past its lease is fenced, hands on, and takes its turn again", async () => {
    fleet.load();
    await until("some are acknowledged", () => fleet.acknowledged.length > 20 || undefined);
    const slept = fleet.drop("r1");
    slept.process.signal("SIGSTOP");
    expect(await silence(performance.now())).toBeLessThan(TAKEOVER_MS);
    slept.process.signal("SIGCONT");
    fleet.replicas.push(slept);
    const { rollout, fleet: calls, operator, viewer } = slept.clients;
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
    const began = performance.now();
    const stopped = fleet.drop("r1");
    const ended = stopped.process.end("SIGTERM");
    // Far below the lease: nobody had to wait for it to end.
    expect(await silence(began)).toBeLessThan(2_500);
    expect((await ended).code).toBe(0);
    const back = await fleet.add("r1");
    expect((await back.clients.fleet.listPools({}, back.clients.viewer)).pools).toHaveLength(1);
    await until("more are acknowledged", () => fleet.acknowledged.length > 60 || undefined);
    await fleet.quiet();
    expect(await fleet.faults()).toEqual([]);
  });
});
