/** The wire client against a server that dies, forgets and refuses. */
import { once } from "node:events";
import { type AddressInfo, type Socket, connect as connectTo, createServer } from "node:net";
import { join } from "node:path";
import { Decision, ErrorReason, FailureReason, NodeState, OutcomeKind, PermitPhase } from "@moult/contracts/v1";
import { status } from "@grpc/grpc-js";
import { describe, expect, it, onTestFinished } from "vitest";
import type { WireSettings } from "../../config/settings.ts";
import type { AskInput, Coordinator, ReportInput } from "../../ports.ts";
import type { Situation } from "../../situation.ts";
import { makeCertificate } from "../../testing/certificate.ts";
import { FakeCoordinator, refuse } from "../../testing/fake-coordinator.ts";
import { makeFolder } from "../../testing/folders.ts";
import { silentLog } from "../../testing/silent-log.ts";
import { until } from "../../testing/until.ts";
import type { RunningBuild } from "../../update/state.ts";
import { monotonicClock, systemChance } from "../clock.ts";
import { openIdentity } from "../identity.ts";
import { nodeDisk } from "../node-disk.ts";
import { trustPeers } from "../tls/peer-trust.ts";
import { createCoordinator } from "./coordinator.ts";

const certificate = makeCertificate();
const DIGEST = "d".repeat(64);

const running: RunningBuild = {
  slot: "a",
  digest: "a".repeat(64),
  version: "1.0.0",
  releaseCounter: 1,
  workIdentity: "none",
  healthTimeoutMs: 1,
  soakMs: 0,
};

const situation: Situation = {
  workState: "SERVING",
  capacityRps: 20,
  loadRps: 3,
  inFlight: 1,
  shards: ["s1"],
  interruptible: true,
  endpoint: "127.0.0.1:80",
  host: { cpuCount: 2, memoryTotalBytes: 1_024.4, cpuBusyRatio: 0.5 },
};

const pulse: ReportInput = { kind: "pulse", running, situation };

function ask(askId: string): AskInput {
  return {
    askId,
    running,
    situation,
    stagedDigest: "",
    permitId: "",
    drained: false,
    deniedDigests: [DIGEST],
    timestampVersion: 7,
  };
}

/** A device's client. */
async function connect(addresses: readonly string[], wishes: Partial<WireSettings> = {}): Promise<Coordinator> {
  const settings: WireSettings = {
    coordinators: addresses,
    caFile: "",
    enrollmentToken: "welcome",
    model: "box",
    labels: { region: "eu" },
    domains: ["isp/example"],
    attend: false,
    pulseIntervalMs: 1_000,
    rpcTimeoutMs: 1_500,
    reconnectMinMs: 10,
    reconnectMaxMs: 100,
    keepaliveIntervalMs: 20_000,
    keepaliveTimeoutMs: 10_000,
    ...wishes,
  };
  const { identity } = await openIdentity(nodeDisk, join(makeFolder(), "state", "identity.pem"));
  const parts = {
    settings,
    trust: trustPeers(certificate.cert, () => Date.now()),
    identity,
    clock: monotonicClock,
    chance: systemChance,
  };
  const coordinator = createCoordinator({ ...parts, log: silentLog, bootId: "boot-1" });
  onTestFinished(() => coordinator.close());
  return coordinator;
}

const silent = { nudged() {}, braked() {}, opened() {} };

describe("sessions", () => {
  it("enrols an unknown device with its token, then opens a session, and keeps it", async () => {
    const server = await new FakeCoordinator(certificate).start();
    const device = await connect([server.address]);
    expect(await device.report(pulse)).toBe("SERVING");
    await device.report(pulse);
    expect(server.calls).toEqual([
      "getChallenge",
      "openSession",
      "getChallenge",
      "enroll",
      "getChallenge",
      "openSession",
      "report",
      "report",
    ]);
  });

  it("opens another session when the old one ended, within the same call", async () => {
    const server = await new FakeCoordinator(certificate).start();
    const device = await connect([server.address]);
    await device.report(pulse);
    server.sessions.clear();
    expect(await device.report(pulse)).toBe("SERVING");
    server.expiresInMs = 0;
    server.sessions.clear();
    await device.report(pulse);
    const before = server.calls.length;
    await device.report(pulse);
    expect(server.calls.slice(before)).toContain("openSession");
  });

  it("enrols again when the coordinator has forgotten it", async () => {
    const server = await new FakeCoordinator(certificate).start();
    const device = await connect([server.address]);
    await device.report(pulse);
    server.forget();
    expect(await device.report(pulse)).toBe("SERVING");
    expect(server.calls.filter((call) => call === "enroll")).toHaveLength(2);
  });

  it("does not hammer a coordinator that does not let it in", async () => {
    const server = await new FakeCoordinator(certificate).start();
    for (const [enrollmentToken, reason] of [
      ["stale", "TOKEN_UNKNOWN"],
      ["", "NODE_UNKNOWN"],
    ] as const) {
      const device = await connect([server.address], { enrollmentToken });
      server.calls.length = 0;
      for (let tries = 0; tries < 5; tries += 1) {
        await expect(device.report(pulse)).rejects.toMatchObject({ code: "REFUSED", reason });
      }
      expect(server.calls.length).toBeLessThan(7);
    }
  });
});

describe("calls", () => {
  it("survive a coordinator that is killed and comes back", async () => {
    const server = await new FakeCoordinator(certificate).start();
    const device = await connect([server.address]);
    await device.report(pulse);
    server.kill();
    await expect(device.report(pulse)).rejects.toMatchObject({ code: "UNREACHABLE" });
    await server.start();
    expect(await until("an answer", () => device.report(pulse).catch(() => undefined))).toBe("SERVING");
  });

  it("go to the next address when one does not answer", async () => {
    const server = await new FakeCoordinator(certificate).start();
    const device = await connect(["127.0.0.1:1", server.address]);
    expect(await device.report(pulse)).toBe("SERVING");
    const gone = await connect(["127.0.0.1:1", "127.0.0.1:2"]);
    await expect(gone.report(pulse)).rejects.toMatchObject({ code: "UNREACHABLE" });
  });

  it("leave no connection open where there is no stream", async () => {
    const server = await new FakeCoordinator(certificate).start();
    const open = new Set<Socket>();
    let connections = 0;
    const between = createServer((socket) => {
      connections += 1;
      open.add(socket.on("close", () => open.delete(socket)).on("error", () => undefined));
      socket.pipe(connectTo(server.port, "127.0.0.1").on("error", () => undefined)).pipe(socket);
    });
    between.listen(0, "127.0.0.1");
    await once(between, "listening");
    onTestFinished(() => void between.close());
    const device = await connect([`127.0.0.1:${(between.address() as AddressInfo).port}`]);
    for (const number of [1, 2]) {
      expect(await device.report(pulse)).toBe("SERVING");
      await until("the connection is closed", () => open.size === 0);
      expect(connections).toBe(number);
    }
  });

  it("trust no server with another certificate", async () => {
    const server = await new FakeCoordinator(makeCertificate()).start();
    const device = await connect([server.address]);
    await expect(device.report(pulse)).rejects.toMatchObject({ code: "UNREACHABLE" });
    expect(server.calls).toEqual([]);
  });

  it("carry what the contract wants, with a sequence that rises", async () => {
    const server = await new FakeCoordinator(certificate).start();
    const device = await connect([server.address]);
    await device.ask(ask("ask-1"));
    await device.report(pulse);
    await device.ask({ ...ask("ask-2"), stagedDigest: DIGEST, permitId: "p", drained: true });
    const [first, second] = server.asks;
    expect(first).toMatchObject({
      node: "nodes/n1",
      askId: "ask-1",
      bootId: "boot-1",
      platform: { os: process.platform, arch: process.arch },
      runningDigest: running.digest,
      runningVersion: "1.0.0",
      runningReleaseCounter: 1n,
      deniedDigests: [DIGEST],
      situation: { capacityRps: 20, inFlight: 1, host: { cpuCount: 2, memoryTotalBytes: 1_024n } },
    });
    expect(first?.traceParent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(second).toMatchObject({ drained: true, permitId: "p", stagedDigest: DIGEST });
    const sequences = [first?.sequence, server.reports[0]?.sequence, second?.sequence].map((value) => value ?? 0n);
    expect([...sequences].sort((x, y) => (x < y ? -1 : 1))).toEqual(sequences);
    expect(sequences[0]).toBeGreaterThan(0n);
  });

  it("tell outcomes whole, and say which refusals are for good", async () => {
    const server = await new FakeCoordinator(certificate).start();
    const device = await connect([server.address]);
    const timings = { pullMs: 1.4, drainMs: 2, swapMs: -1, trialMs: 1e12 };
    const outcome = { permitId: "p", targetDigest: DIGEST, kind: "REVERTED", reason: "HEALTH_CHECK", timings } as const;
    await device.report({ kind: "outcome", running, situation, outcome: { ...outcome, message: "x".repeat(600) } });
    expect(server.reports[0]?.report.value).toMatchObject({
      permitId: "p",
      kind: OutcomeKind.REVERTED,
      reason: FailureReason.HEALTH_CHECK,
      message: "x".repeat(512),
      timings: { pullMs: 1, drainMs: 2, swapMs: 0, trialMs: 4_294_967_295 },
    });
    server.refusal = refuse(status.INVALID_ARGUMENT, ErrorReason.FIELD_INVALID);
    await expect(device.report(pulse)).rejects.toMatchObject({ code: "REFUSED", reason: "FIELD_INVALID" });
    server.refusal = refuse(status.UNAVAILABLE, ErrorReason.STORE_UNAVAILABLE);
    await expect(device.report(pulse)).rejects.toMatchObject({ code: "UNREACHABLE", reason: "STORE_UNAVAILABLE" });
  });
});

/** A value that a later contract has and this one does not. */
const LATER = JSON.parse("99") as never;

describe("verdicts", () => {
  const target = { digest: DIGEST, version: "2", releaseCounter: 2n, manifestBytes: 9, sources: ["https://m"] };
  const permit = { permitId: "p", phase: PermitPhase.AWAY, expiresInMs: 5, drainGraceMs: 4 };

  it("are taken as they are meant", async () => {
    const server = await new FakeCoordinator(certificate).start();
    const device = await connect([server.address]);
    server.verdict = { decision: Decision.STAY, retryAfterMs: 7, message: "no" };
    expect(await device.ask(ask("1"))).toEqual({
      verdict: { decision: "STAY", retryAfterMs: 7, message: "no" },
      brakes: [],
      timestampVersion: 0,
    });
    expect(server.asks[0]?.timestampVersion).toBe(7n);
    server.verdict = { decision: Decision.PREPARE, target };
    expect((await device.ask(ask("2"))).verdict).toMatchObject({
      decision: "PREPARE",
      target: { digest: DIGEST, releaseCounter: 2 },
    });
    server.verdict = { decision: Decision.GO, target, permit };
    expect((await device.ask(ask("3"))).verdict).toMatchObject({
      decision: "GO",
      permit: { permitId: "p", phase: "AWAY" },
    });
  });

  it("bring brakes and the newest timestamp, within bounds", async () => {
    const server = await new FakeCoordinator(certificate).start();
    const device = await connect([server.address]);
    const statement = new Uint8Array([1, 2, 3]);
    const brakes = [new Uint8Array(100_000), ...Array.from({ length: 20 }, () => statement)];
    server.verdict = { decision: Decision.STAY, brakes, timestampVersion: 9n };
    const answer = await device.ask(ask("1"));
    expect(answer.timestampVersion).toBe(9);
    expect(answer.brakes).toEqual(Array.from({ length: 7 }, () => statement));
    server.verdict = { decision: Decision.STAY, timestampVersion: 2n ** 60n };
    expect((await device.ask(ask("2"))).timestampVersion).toBe(0);
  });

  it("that are not whole, not known or for another ask mean to stay", async () => {
    const server = await new FakeCoordinator(certificate).start();
    const device = await connect([server.address]);
    for (const verdict of [
      {},
      { decision: Decision.UNSPECIFIED },
      { decision: LATER, target, permit },
      { decision: Decision.PREPARE },
      { decision: Decision.PREPARE, target: { ...target, digest: "../../etc/passwd" } },
      { decision: Decision.GO, target },
      { decision: Decision.GO, permit },
      { decision: Decision.GO, target, permit: { ...permit, permitId: "" } },
      { decision: Decision.GO, target, permit, askId: "another" },
    ]) {
      server.verdict = verdict;
      expect((await device.ask(ask("1"))).verdict.decision).toBe("STAY");
    }
    server.verdict = { decision: Decision.GO, target, permit: { ...permit, phase: LATER } };
    expect(await device.ask(ask("1"))).toMatchObject({ verdict: { permit: { phase: "OTHER" } } });
  });
});

describe("the stream", () => {
  it("begins with a pulse, carries those that follow, and brings nudges and the brake", async () => {
    const server = await new FakeCoordinator(certificate).start();
    const device = await connect([server.address], { attend: true });
    const heard: string[] = [];
    device.attend({
      nudged: () => heard.push("nudge"),
      braked: (engaged, reason, brakes) => heard.push(`brake ${engaged} ${reason} ${brakes.length}`),
      opened: () => void device.report(pulse),
    });
    await until("the first pulse", () => server.streamed.length === 1);
    expect(await device.report(pulse)).toBe("OTHER");
    await until("the second pulse", () => server.streamed.length === 2);
    expect(server.reports).toEqual([]);
    server.tell({ case: "nudge", value: { release: "releases/2" } });
    server.tell({ case: "brake", value: { engaged: true, reason: "smoke", brakes: [new Uint8Array([1])] } });
    server.tell(undefined);
    await until("both", () => heard.length === 2);
    expect(heard).toEqual(["nudge", "brake true smoke 1"]);
  });

  it("comes back after an end, a kill and a notice, while calls go on", async () => {
    const server = await new FakeCoordinator(certificate).start();
    const device = await connect([server.address], { attend: true });
    device.attend({ ...silent, opened: () => void device.report(pulse) });
    await until("the stream", () => server.openStreams === 1);
    server.endStreams();
    await until("the second stream", () => server.openStreams === 1);
    server.kill();
    await server.start();
    await until("the third stream", () => server.openStreams === 1);
    server.state = NodeState.RETURNED;
    expect(await device.report({ kind: "returned", permitId: "p", running, situation })).toBe("RETURNED");
    const opened = server.calls.filter((call) => call === "attend").length;
    server.tell({ case: "drain", value: { reconnectWithinMs: 50 } });
    server.endStreams();
    await until("the fourth stream", () => server.calls.filter((call) => call === "attend").length > opened);
  });

  it("is done without where it is not wanted", async () => {
    const server = await new FakeCoordinator(certificate).start();
    const device = await connect([server.address]);
    device.attend(silent);
    expect(await device.report(pulse)).toBe("SERVING");
    expect(server.calls).not.toContain("attend");
  });
});
