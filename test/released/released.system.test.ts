/**
 * The agents in the field update to this one: devices with a released launcher and agent, against today's coordinator,
 * through the wire, as many releases as there are between them and today.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { FailureReason, OutcomeKind } from "@moult/contracts/v1";
import { type TestContext, describe, it } from "vitest";
import { testBundles } from "../../apps/agent/src/testing/bundles.ts";
import { makeFolder } from "../../apps/agent/src/testing/folders.ts";
import type { TestBuild } from "../../apps/agent/src/testing/test-build.ts";
import { until } from "../../apps/agent/src/testing/until.ts";
import { type BuildPlan, makeBuild } from "../failures/harness/builds.ts";
import { type Scene, must } from "../failures/harness/failure.ts";
import { Home } from "../failures/harness/home.ts";
import { MOVE_MS } from "../failures/harness/odd-home.ts";
import { type Release, readBundles, readReleases } from "../../apps/agent/src/testing/released.ts";
import { OldCouncil } from "./council.ts";

const releases = readReleases(import.meta.dirname);

/** A device in the field, and how today's builds are made for it. */
interface Flashed {
  readonly scene: Scene;
  readonly home: Home;
  /** Signed as its old agent wants it, with the root that it was not flashed with: the bridge to the allowlist. */
  readonly make: (plan: BuildPlan) => TestBuild;
}

/** A device as it was flashed with that release, on today's network. */
async function flashed(release: Release, { onTestFinished }: TestContext): Promise<Flashed> {
  const atEnd = (end: () => void | Promise<void>): void => onTestFinished(end);
  const root = makeFolder(atEnd);
  const released = readBundles(import.meta.dirname, release);
  const launcher = join(root, "released-launcher.mjs");
  writeFileSync(launcher, released.launcher);
  const scene: Scene = { root, bundles: { ...(await testBundles(root)), launcher }, atEnd };
  const council = new OldCouncil();
  const factory = council.sign(
    makeBuild(scene, {
      counter: 1,
      agent: released.agent.toString("utf8"),
      manifest: { version: release.version },
    }),
  );
  // Agents before 0.2.0 know the token from their configuration only.
  const home = await Home.open(scene, {
    factory,
    tokenInConfig: true,
    rootInConfig: false,
    config: { council: council.config },
  });
  const started = home.box.log.find(({ msg }) => msg === "started");
  must(started?.["agent"] === release.version, `agent ${String(started?.["agent"])} runs, not ${release.version}`);
  const { flashedRoot } = home.network;
  const make = (plan: BuildPlan): TestBuild =>
    council.sign(makeBuild(scene, { ...plan, files: { "agent/root.json": flashedRoot, ...plan.files } }));
  return { scene, home, make };
}

async function arrives(home: Home, build: TestBuild): Promise<void> {
  const { version } = build.manifest;
  await home.nodeIs(`version ${version}`, ({ digest, lastOutcome }) => {
    const failed = lastOutcome !== undefined && lastOutcome.kind !== OutcomeKind.COMMITTED;
    must(!failed, `the move failed: ${lastOutcome?.message}`);
    return digest === build.digest && lastOutcome?.targetDigest === build.digest;
  });
  must(home.box.record()?.committed.digest === build.digest, `${version} was told as kept, and another is committed`);
  const running = home.box.log.findLast(({ msg }) => msg === "started");
  must(running?.["agent"] === version, `${version} was kept, and agent ${String(running?.["agent"])} runs`);
}

describe.concurrent("devices in the field", () => {
  it.for(releases.filter((release, index) => release.oldest || index === releases.length - 1))(
    "$version updates to this build and on; its launcher starts, guards and brings back today's agents",
    async (release, context) => {
      const { home, make } = await flashed(release, context);
      await home.box.workload();
      const today = make({ counter: 2 });
      await home.release(today);
      await arrives(home, today);
      // The root came with that build as one more part, so its workload counted as another one; from here on it is the same.
      const workload = await home.box.workload();
      const next = make({ counter: 3 });
      await home.release(next);
      await arrives(home, next);
      must(home.box.pidOf("workload") === workload, "the workload, the same in all builds, was interrupted");

      const dead = make({ counter: 4, agent: "process.exit(3);\n" });
      await home.release(dead);
      const { lastOutcome } = await home.nodeIs(
        "the fallback",
        ({ lastOutcome: last }) => last?.targetDigest === dead.digest,
      );
      must(
        lastOutcome?.kind === OutcomeKind.REVERTED && lastOutcome.reason === FailureReason.AGENT_DID_NOT_START,
        `told as something else: ${lastOutcome?.message}`,
      );
      await home.box.cutPower();
      const starts = home.box.log.filter(({ msg }) => msg === "started").length;
      home.box.switchOn();
      await until("the next start", () => home.box.log.filter(({ msg }) => msg === "started").length > starts, MOVE_MS);
      must(home.box.record()?.committed.digest === next.digest, "the next boot forgot what was kept");
    },
  );

  it.for(releases.filter(({ oldest }) => oldest))(
    "$version, switched on after years, walks the releases it missed",
    async (release, context) => {
      const { home, make } = await flashed(release, context);
      await home.box.cutPower();
      const first = make({ counter: 2, manifest: { from_versions: [release.version] } });
      const second = make({ counter: 3, manifest: { from_versions: [first.manifest.version] } });
      const third = make({ counter: 4, manifest: { from_versions: [second.manifest.version] } });
      for (const build of [first, second, third]) await home.release(build);
      home.box.switchOn();
      await arrives(home, third);
      const agents = home.box.log.filter(({ msg }) => msg === "started").map(({ agent }) => String(agent));
      const walked = [...new Set(agents)].join(" ");
      must(walked === `${release.version} 2.0.0 3.0.0 4.0.0`, `it walked ${walked}`);
    },
  );
});
