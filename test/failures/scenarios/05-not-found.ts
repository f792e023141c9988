/** Row 5: a mirror answers 404, and the device asks it, or boots, for ever. */
import { FailureReason, OutcomeKind } from "@moult/contracts/v1";
import { makeBuild } from "../harness/builds.ts";
import { type Failure, must } from "../harness/failure.ts";
import { OddHome } from "../harness/odd-home.ts";

/** Longer than the whole test, in milliseconds: what comes sooner is no wait. */
const BACKOFF_MS = 120_000;
const ROUNDS = 2;

export const notFound: Failure = {
  name: "05 a mirror that answers 404 makes no endless loop",
  async run(scene) {
    const home = await OddHome.open(scene, {
      factory: makeBuild(scene, { counter: 1, says: "none" }),
      config: { pull_rounds: ROUNDS, failure_backoff_ms: BACKOFF_MS },
    });
    const [mirror] = home.mirrors;
    const agent = home.box.pidOf("agent");
    must(mirror !== undefined, "there is no mirror");
    mirror.misbehave = ({ response }) => {
      response.writeHead(404).end();
      return true;
    };
    const build = makeBuild(scene, { counter: 2, says: "none" });
    home.offer(build);
    const outcome = await home.outcome(1);
    must(
      outcome.kind === OutcomeKind.FAILED && outcome.reason === FailureReason.PULL,
      `not told as a failed pull: ${outcome.message}`,
    );
    const calm = (): void => {
      must(mirror.asked.length <= ROUNDS, `the mirror was asked ${mirror.asked.length} times for one pull`);
      must(home.outcomes.length === 1, "one failure was told more than once");
      must(home.box.pidOf("agent") === agent, "the agent did not live through it");
    };
    // It goes on asking the coordinator, for the fix may be another release, and leaves the mirror in peace.
    await home.nextAsks(6, calm);

    mirror.misbehave = undefined;
    await home.nudgedTo(build);
  },
  mutants: [
    {
      defence: "a build that could not be staged waits",
      file: "update/moves.ts",
      from: "notBeforeMs: setbackEnd(at, count)",
      to: "notBeforeMs: at.nowMs",
      caught: /the mirror was asked|told more than once/,
    },
  ],
};
