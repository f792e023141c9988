/** Row 20: a state migrated past what the old binary reads; work is forgotten. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FailureReason, OutcomeKind } from "@moult/contracts/v1";
import { seal } from "@moult/slots";
import { testBundles } from "../../../apps/agent/src/testing/bundles.ts";
import { until } from "../../../apps/agent/src/testing/until.ts";
import { ILL, makeBuild, say, versionOf } from "../harness/builds.ts";
import { type Failure, must } from "../harness/failure.ts";
import { OddHome } from "../harness/odd-home.ts";

const DENIED = "d".repeat(64);

export const laterState: Failure = {
  name: "20 a state that a later agent wrote is read as far as it is known",
  async run(scene) {
    const factory = makeBuild(scene, { counter: 1, says: "none" });
    const home = await OddHome.make(scene, { factory });
    const state = join(home.box.dir, "state");
    const outcome = { permitId: "p", targetDigest: DENIED, kind: "PAUSED", reason: "MOON_PHASE" };
    writeFileSync(join(state, "agent"), seal({ schema: 9, denied: [DENIED, 7], move: { lane: "fast" }, outcome }));
    const committed = { slot: "factory", digest: factory.digest, lane: "fast" };
    writeFileSync(join(state, "boot-1"), seal({ sequence: 41, schema: 9, committed, trial: { slot: "c" } }));
    home.box.switchOn();
    await home.nextAsks(1);
    must(home.coordinator.asks.at(-1)?.deniedDigests.join() === DENIED, "what was denied is forgotten");
    must(home.outcomes.length === 0, "an outcome of an unknown kind was told");
    const two = makeBuild(scene, { counter: 2, says: "none" });
    home.offer(two);
    await home.committed(two);
  },
};

export const laterAgentReverted: Failure = {
  name: "20 an agent that changed the state's form and was reverted leaves work, reason and denial behind",
  async run(scene) {
    say(scene, "ill", ILL);
    const home = await OddHome.open(scene, { factory: makeBuild(scene, { counter: 1 }) });
    const elsewhere = join(scene.root, "later");
    mkdirSync(elsewhere);
    const later = await testBundles(elsewhere, {
      file: "update/durable.ts",
      from: "return seal(durable);",
      to: "return seal({ ...durable, schema: 9, outcomes: [durable.outcome], move: { ...durable.move, lane: 3 } });",
    });
    const two = makeBuild(scene, { counter: 2, says: "ill", agent: later.agent(versionOf(2)) });
    home.offer(two);
    const outcome = await home.outcome(1);
    must(
      outcome.kind === OutcomeKind.REVERTED && outcome.reason === FailureReason.HEALTH_CHECK,
      `told as something else: ${outcome.message}`,
    );
    must(outcome.permitId === `permit-${versionOf(2)}`, "which move it was is forgotten");
    await home.nextAsks(1);
    must(home.coordinator.asks.at(-1)?.deniedDigests.join() === two.digest, "the denial is forgotten");
    const calls = (): string => readFileSync(join(scene.root, "good.calls"), "utf8");
    await until("the work is taken up again", () => calls().trimEnd().endsWith("restore s1"));
  },
};
