/** Row 3: the updater refuses because the workload is down, which only the update would have mended. */
import { OutcomeKind, Reason } from "@moult/contracts/v1";
import type { TestBuild } from "../../../apps/agent/src/testing/test-build.ts";
import { until } from "../../../apps/agent/src/testing/until.ts";
import { ILL, makeBuild, say } from "../harness/builds.ts";
import { type Failure, type Scene, must } from "../harness/failure.ts";
import { Home } from "../harness/home.ts";

async function mendedByUpdate(
  scene: Scene,
  factory: TestBuild,
  graceMs: number = DRAIN_GRACE_MS,
  breakIt: (home: Home) => Promise<void> = async () => undefined,
): Promise<void> {
  say(scene, "ill", { ...ILL, shards: [] });
  const home = await Home.open(scene, { factory, capacity: { drain_grace_ms: graceMs, permit_ttl_ms: 60_000 } });
  await breakIt(home);
  const cure = makeBuild(scene, { counter: 2 });
  await home.release(cure);
  const { lastOutcome } = await home.nodeIs("an outcome", (node) => node.lastOutcome !== undefined);
  must(
    lastOutcome?.kind === OutcomeKind.COMMITTED && lastOutcome.targetDigest === cure.digest,
    `the cure was refused: ${lastOutcome?.message}`,
  );
}

/** What a drain may take, in milliseconds; and longer than it takes to be sure that a workload hangs. */
const DRAIN_GRACE_MS = 4_000;
const HANG_GRACE_MS = 14_000;

const WHY = /the cure was refused/;

export const workloadEnds: Failure = {
  name: "03 a workload that ends at once keeps no update out",
  run: (scene) => mendedByUpdate(scene, makeBuild(scene, { counter: 1, work: "#!/bin/sh\nexit 1\n" })),
  mutants: [
    {
      defence: "a workload that does not run has nothing to lose",
      file: "update/quiet.ts",
      from: 'work.state === "STOPPED" || (work.state === "STARTING" && !work.locked)',
      to: "false",
      caught: WHY,
    },
  ],
};

export const workloadFailed: Failure = {
  name: "03 a workload that says it failed keeps no update out",
  run: (scene) => mendedByUpdate(scene, makeBuild(scene, { counter: 1, says: "ill" })),
};

export const onlyHolderFailed: Failure = {
  name: "03 a workload that failed as the only holder of its shard keeps no update out",
  async run(scene) {
    say(scene, "ill", ILL);
    const home = await Home.open(scene, { factory: makeBuild(scene, { counter: 1, says: "ill" }) });
    // It holds what the failed one held, or it would not have restored its work.
    say(scene, "well", {});
    const cure = makeBuild(scene, { counter: 2, says: "well" });
    await home.release(cure);
    await home.nodeIs("the cure", ({ digest, lastVerdict }) => {
      must(lastVerdict?.reason !== Reason.SHARD_MINIMUM, "a holder that holds nothing up is held as if it did");
      return digest === cure.digest;
    });
  },
};

export const workloadHangs: Failure = {
  name: "03 a workload that hangs keeps no update out",
  run: (scene) =>
    mendedByUpdate(scene, makeBuild(scene, { counter: 1, says: "hung" }), HANG_GRACE_MS, async (home) => {
      say(scene, "hung", { shards: [] });
      await until("the workload serves", async () => (await home.node())?.situation?.capacityRps === 20);
      process.kill(home.box.pidOf("workload"), "SIGSTOP");
    }),
  mutants: [
    {
      defence: "a workload that hangs for good has nothing to lose",
      file: "update/quiet.ts",
      from: "|| work.deaf === true",
      to: "",
      caught: WHY,
    },
  ],
};
