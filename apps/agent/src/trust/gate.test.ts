import { writeBrakeStatement } from "@moult/contracts";
import { TestNetwork } from "@moult/trust/testing";
import { type CouncilWord, cohortPosition, recallNetwork } from "@moult/trust/tuf";
import { describe, expect, it } from "vitest";
import { TEST_DEVICE } from "../testing/device-trust.ts";
import { makeTestBuild } from "../testing/test-build.ts";
import { type GateInput, judgeListed, judgeMove } from "./gate.ts";
import type { TrustView } from "./view.ts";

const NOW_MS = Date.UTC(2026, 10, 21);
const HOUR_MS = 3_600_000;
const build = makeTestBuild();

async function viewOf(network: TestNetwork, brakes: readonly Uint8Array[] = []): Promise<TrustView> {
  const file = (name: string): Uint8Array => network.files.get(name) ?? new Uint8Array();
  const kept = {
    root: network.root,
    timestamp: file("timestamp.json"),
    snapshot: file("snapshot.json"),
    targets: new Map([["targets", file("targets.json")]]),
  };
  const trusted = await recallNetwork(kept, NOW_MS);
  return { root: trusted.root, network: trusted, gap: "", timestampVersion: 1, brakes };
}

function makeNetwork(): TestNetwork {
  return new TestNetwork({ network: "test", nowMs: () => NOW_MS });
}

async function judge(word: CouncilWord, more: Partial<GateInput> = {}): Promise<string> {
  const network = makeNetwork();
  network.allow(network.entry(build.bytes, word));
  return verdictOf({ view: await viewOf(network), ...more });
}

function verdictOf(more: Partial<GateInput> & Pick<GateInput, "view">, rule = judgeMove): string {
  const judgement = rule({
    device: TEST_DEVICE,
    digest: build.digest,
    running: { digest: "a".repeat(64), version: "1.0.0", releaseCounter: 1 },
    denied: [],
    nowMs: NOW_MS,
    slowMs: more.nowMs ?? NOW_MS,
    ...more,
  });
  return "allowed" in judgement ? "allowed" : judgement.refused.reason;
}

describe("gate 1 on the device", () => {
  it("lets through what the list names for this device", async () => {
    expect(await judge({})).toBe("allowed");
    expect(await judge({ fromVersions: ["0.9.0", "1.0.0"] })).toBe("allowed");
  });

  it("refuses what the list does not name, and goes by no list at all where it is missing or stale", async () => {
    expect(await judge({}, { digest: "e".repeat(64) })).toBe("NOT_APPROVED");
    expect(await judge({}, { nowMs: NOW_MS + 24 * HOUR_MS - 1 })).toBe("allowed");
    expect(await judge({}, { nowMs: NOW_MS + 24 * HOUR_MS })).toBe("METADATA");
    expect(verdictOf({ view: { gap: "none", timestampVersion: 0, brakes: [] } })).toBe("METADATA");
    expect(await judge({}, { device: { ...TEST_DEVICE, network: "other" } })).toBe("METADATA");
  });

  it("refuses what is not for this device as it is", async () => {
    expect(await judge({ releaseCounter: 1 })).toBe("UNSUITABLE");
    expect(await judge({ fromVersions: ["0.9.0"] })).toBe("UNSUITABLE");
    expect(await judge({}, { denied: [build.digest] })).toBe("UNSUITABLE");
    const elsewhere = { ...TEST_DEVICE, platform: { os: "plan9", arch: "x64" } };
    expect(await judge({}, { device: elsewhere })).toBe("UNSUITABLE");
  });

  it("goes by the list's counters: old bytes under a new one are newer, and what runs is as new as the list says", async () => {
    expect(await judge({ releaseCounter: 9 }, { running: { digest: "a", version: "5", releaseCounter: 8 } })).toBe(
      "allowed",
    );
    const network = makeNetwork();
    const runs = makeTestBuild({ manifest: { version: "1.0.0", release_counter: 1 } });
    network.allow(network.entry(runs.bytes, { releaseCounter: 5 }), network.entry(build.bytes, { releaseCounter: 4 }));
    const running = { digest: runs.digest, version: "1.0.0", releaseCounter: 1 };
    expect(verdictOf({ view: await viewOf(network), running })).toBe("UNSUITABLE");
  });

  it("holds the cohort bound by the device's own id, and by T", async () => {
    const seed = "5".repeat(64);
    const position = Number((cohortPosition(seed, TEST_DEVICE.node) * 1_000_000n) >> 53n);
    const cohort = {
      seed,
      steps: [
        { notBeforeMs: NOW_MS, sharePpm: position },
        { notBeforeMs: NOW_MS + HOUR_MS, sharePpm: position + 1 },
      ],
    };
    expect(await judge({ cohort })).toBe("OUTSIDE_COHORT");
    expect(await judge({ cohort }, { nowMs: NOW_MS + HOUR_MS - 1 })).toBe("OUTSIDE_COHORT");
    expect(await judge({ cohort }, { nowMs: NOW_MS + HOUR_MS })).toBe("allowed");
    expect(await judge({ cohort }, { nowMs: NOW_MS + 2 * HOUR_MS, slowMs: NOW_MS })).toBe("OUTSIDE_COHORT");
  });

  it("holds a breaker's brake until it ends, is lifted, or its breaker is dropped; a staged build stays staged", async () => {
    const network = makeNetwork();
    network.allow(network.entry(build.bytes));
    const payload = writeBrakeStatement({
      network: "test",
      issuedMs: NOW_MS,
      expiresMs: NOW_MS + HOUR_MS,
      body: { reason: "smoke" },
    });
    const brake = network.brake(payload);
    const view = await viewOf(network, [brake]);
    expect(verdictOf({ view })).toBe("BRAKED");
    expect(verdictOf({ view }, judgeListed)).toBe("allowed");
    expect(verdictOf({ view, nowMs: NOW_MS + HOUR_MS })).toBe("allowed");
    expect(verdictOf({ view, nowMs: NOW_MS + HOUR_MS, slowMs: NOW_MS })).toBe("BRAKED");
    expect(verdictOf({ view: { ...view, brakes: [network.brake(payload, network.keys.stranger)] } })).toBe("allowed");
    network.rotate({ breakers: [] });
    network.publish();
    expect(verdictOf({ view: await viewOf(network, [brake]) })).toBe("allowed");
  });
});
