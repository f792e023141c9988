import { TestNetwork } from "@moult/trust/testing";
import { keptRoot, recallNetwork } from "@moult/trust/tuf";
import { describe, expect, it } from "vitest";
import { makeTestBuild } from "../testing/test-build.ts";
import { type Moment, type News, refreshReason } from "./refresh-rule.ts";
import type { TrustView } from "./view.ts";

const NOW_MS = Date.UTC(2026, 10, 21);
const HOUR_MS = 3_600_000;
const build = makeTestBuild();

async function fresh(): Promise<TrustView> {
  const network = new TestNetwork({ network: "test", nowMs: () => NOW_MS });
  const [targets = new Uint8Array(), snapshot, timestamp] = network.allow(network.entry(build.bytes));
  const kept = {
    root: network.root,
    ...(snapshot && { snapshot }),
    ...(timestamp && { timestamp }),
    targets: new Map([["targets", targets]]),
  };
  const trusted = await recallNetwork(kept, NOW_MS);
  return { root: keptRoot(kept), network: trusted, gap: "", timestampVersion: 5, checkedAtMs: 0, brakes: [] };
}

const QUIET: News = { timestampVersion: 5, leaving: false };
const AT: Moment = { nowMs: NOW_MS, clockMs: 0, roll: 0.5 };

describe("a refresh", () => {
  it("is not due while nothing speaks for one", async () => {
    const view = await fresh();
    expect(refreshReason(view, QUIET, AT)).toBeUndefined();
    expect(refreshReason(view, { ...QUIET, digest: build.digest, leaving: true }, AT)).toBeUndefined();
    expect(refreshReason({ gap: "no root", timestampVersion: 0, brakes: [] }, QUIET, AT)).toBeUndefined();
  });

  it("is due by and by where a newer timestamp is out, the view is stale or six hours old", async () => {
    const view = await fresh();
    expect(refreshReason(view, { ...QUIET, timestampVersion: 6 }, AT)).toBe("ROUTINE");
    expect(refreshReason(view, QUIET, { ...AT, nowMs: NOW_MS + 24 * HOUR_MS })).toBe("ROUTINE");
    expect(refreshReason(view, QUIET, { ...AT, clockMs: 6 * HOUR_MS + 1 })).toBe("ROUTINE");
    expect(refreshReason(view, QUIET, { ...AT, clockMs: 6 * HOUR_MS - 1 })).toBeUndefined();
    // Spread over a fleet: a quarter sooner, a quarter later.
    expect(refreshReason(view, QUIET, { ...AT, clockMs: 4.5 * HOUR_MS + 1, roll: 0 })).toBe("ROUTINE");
    expect(refreshReason(view, QUIET, { ...AT, clockMs: 7.4 * HOUR_MS, roll: 0.999 })).toBeUndefined();
    const { checkedAtMs: _, ...unchecked } = view;
    expect(refreshReason(unchecked, QUIET, AT)).toBe("ROUTINE");
  });

  it("is due at once where a build is at stake and the view is stale, behind, older than an hour, or does not name it", async () => {
    const view = await fresh();
    const offered = { ...QUIET, digest: build.digest };
    expect(refreshReason(view, { ...QUIET, digest: "e".repeat(64) }, AT)).toBe("MOVE");
    expect(refreshReason(view, { ...offered, timestampVersion: 6 }, AT)).toBe("MOVE");
    expect(refreshReason(view, offered, { ...AT, nowMs: NOW_MS + 24 * HOUR_MS })).toBe("MOVE");
    expect(refreshReason(view, { ...offered, leaving: true }, { ...AT, clockMs: HOUR_MS + 1 })).toBe("MOVE");
    expect(refreshReason(view, offered, { ...AT, clockMs: HOUR_MS + 1 })).toBeUndefined();
  });
});
