/** Row 12: a build was reverted, stays the first on offer, and is tried again and again. */
import { Decision, OutcomeKind, PermitPhase } from "@moult/contracts/v1";
import { targetOf } from "../../../apps/agent/src/testing/open-gates.ts";
import { until } from "../../../apps/agent/src/testing/until.ts";
import { ILL, makeBuild, say } from "../harness/builds.ts";
import { type Failure, must } from "../harness/failure.ts";
import { MOVE_MS, OddHome } from "../harness/odd-home.ts";

export const revertedOnce: Failure = {
  name: "12 a build that was reverted is not tried again, whoever insists",
  async run(scene) {
    say(scene, "ill", ILL);
    const home = await OddHome.open(scene, { factory: makeBuild(scene, { counter: 1 }) });
    const bad = makeBuild(scene, { counter: 2, says: "ill" });
    const { judge } = home.coordinator;
    home.offer(bad);
    must((await home.outcome(1)).kind === OutcomeKind.REVERTED, "the bad build was not reverted");

    // A coordinator that has forgotten what it was told: it offers the bad build, staged or not, denied or not.
    const target = targetOf(bad, home.urls);
    home.coordinator.judge = ({ stagedDigest, drained }) => {
      const prepare = stagedDigest !== bad.digest && home.coordinator.asks.length % 2 === 0;
      if (prepare) return { decision: Decision.PREPARE, target };
      const phase = drained ? PermitPhase.AWAY : PermitPhase.DRAINING;
      return { decision: Decision.GO, target, permit: { permitId: "again", phase, expiresInMs: 60_000 } };
    };
    const calm = (): void => must(home.box.startsIn("a") === 1, "the bad build was tried again");
    await home.nextAsks(4, calm);
    await home.box.cutPower();
    home.box.switchOn();
    await home.nextAsks(4, calm);
    must(home.coordinator.asks.at(-1)?.deniedDigests.includes(bad.digest) === true, "the denial was forgotten");

    home.coordinator.judge = judge;
    const good = makeBuild(scene, { counter: 3 });
    home.offer(good);
    await until("the next release", () => home.coordinator.asks.at(-1)?.runningDigest === good.digest, MOVE_MS);
  },
  mutants: [
    {
      defence: "a build that was given up is denied",
      file: "update/moves.ts",
      from: "[digest, ...others].slice(0, DENIED_MAX)",
      to: "others.slice(0, DENIED_MAX)",
      caught: /was tried again|the denial was forgotten/,
    },
  ],
};
