/** Row 1: the updater cannot read the new version's form, and the fix cannot deliver itself. */
import { Decision, FailureReason, OutcomeKind } from "@moult/contracts/v1";
import { digestOf, formatEnvelope } from "@moult/trust";
import type { TestBuild } from "../../../apps/agent/src/testing/test-build.ts";
import { makeBuild } from "../harness/builds.ts";
import { type Failure, must } from "../harness/failure.ts";
import { OddHome } from "../harness/odd-home.ts";

/** A decision that a later contract may have. */
const LATER_DECISION = JSON.parse("99") as Decision;

/** The build with a manifest of a later form, which the council of then approves. */
function inLaterForm(build: TestBuild): TestBuild {
  const manifest = { ...build.manifest, schema: "moult/build/v2", lanes: ["fast"] };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const envelope = formatEnvelope({ unverifiedPayload: bytes, signatures: [] });
  return { ...build, bytes, digest: digestOf(bytes), envelope };
}

export const form: Failure = {
  name: "01 a form the updater cannot read does not keep the fix from arriving",
  async run(scene) {
    const home = await OddHome.open(scene, { factory: makeBuild(scene, { counter: 1, says: "none" }) });
    const { judge } = home.coordinator;
    home.coordinator.judge = () => ({ decision: LATER_DECISION, retryAfterMs: 1 });
    await home.nextAsks(2);
    home.coordinator.judge = judge;

    home.offer(inLaterForm(makeBuild(scene, { counter: 2, says: "none" })));
    const refused = await home.outcome(1);
    must(
      refused.kind === OutcomeKind.FAILED && refused.reason === FailureReason.UNSUITABLE,
      `a manifest of a later form was not refused as unsuitable: ${refused.message}`,
    );
    must(refused.message.includes("schema"), `the reason does not name the form: ${refused.message}`);
    must(home.box.startsIn("factory") === 1 && home.box.startsIn("a") === 0, "the form cost the agent its life");

    const fix = makeBuild(scene, { counter: 3, says: "none" });
    home.offer(fix);
    await home.committed(fix);
  },
};
