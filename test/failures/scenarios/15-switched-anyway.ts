/** Row 15: the update failed, and the slot was switched anyway. */
import { mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { FailureReason, OutcomeKind, Slot } from "@moult/contracts/v1";
import { until } from "../../../apps/agent/src/testing/until.ts";
import { makeBuild, say } from "../harness/builds.ts";
import { type Failure, must } from "../harness/failure.ts";
import { MOVE_MS, OddHome } from "../harness/odd-home.ts";

export const recordFails: Failure = {
  name: "15 a swap that cannot be written down switches nothing",
  async run(scene) {
    say(scene, "second");
    const home = await OddHome.make(scene, { factory: makeBuild(scene, { counter: 1 }) });
    // The second of the record's two files cannot be written.
    const blocked = join(home.box.dir, "state", "boot-1");
    mkdirSync(blocked, { recursive: true });
    home.box.switchOn();
    await home.nextAsks(1);
    const agent = home.box.pidOf("agent");
    const two = makeBuild(scene, { counter: 2, says: "second" });
    home.offer(two);
    const stayed = (): void => {
      must(home.box.pidOf("agent") === agent, "the agent was exchanged although the swap had failed");
      must(home.box.startsIn("a") === 0, "the slot was switched although the swap had failed");
    };
    await until("the outcome", () => (stayed(), home.outcomes.length > 0), MOVE_MS);
    const [outcome] = home.outcomes;
    must(
      outcome?.kind === OutcomeKind.FAILED && outcome.reason === FailureReason.DISK,
      `told as something else: ${outcome?.message}`,
    );
    await until(
      "the work goes on",
      () => home.coordinator.streamed.at(-1)?.report.value?.situation?.capacityRps === 20,
    );
    await home.box.cutPower();
    home.box.switchOn();
    await home.nextAsks(1);
    must(home.coordinator.asks.at(-1)?.slot === Slot.FACTORY, "the next boot switched the slot");
    rmdirSync(blocked);
    await home.nudgedTo(two);
  },
  mutants: [
    {
      defence: "what was to follow a failed write does not happen",
      file: "agent/loop.ts",
      from: "this.#events.unshift(failure);\n        return;",
      to: "this.#events.unshift(failure);",
      caught: /although the swap had failed/,
    },
  ],
};

export const wrongBytes: Failure = {
  name: "15 a build whose bytes are not the signed ones never gets near a slot",
  async run(scene) {
    const home = await OddHome.open(scene, {
      factory: makeBuild(scene, { counter: 1, says: "none" }),
      mirrors: 2,
      config: { pull_rounds: 1 },
    });
    const two = makeBuild(scene, { counter: 2, says: "none" });
    for (const mirror of home.mirrors) {
      mirror.misbehave = ({ kind, body, response }) => {
        if (kind !== "parts") return false;
        response.writeHead(200, { "content-length": body.length }).end(Buffer.alloc(body.length, 0x20));
        return true;
      };
    }
    home.offer(two);
    const clean = (): void => {
      const staged = home.coordinator.asks.some(({ stagedDigest }) => stagedDigest === two.digest);
      must(!staged, "bytes that nobody signed were staged");
    };
    await until("the outcome", () => (clean(), home.outcomes.length > 0), MOVE_MS);
    must(home.outcomes[0]?.reason === FailureReason.PULL, `told as something else: ${home.outcomes[0]?.message}`);
    await home.nextAsks(2, clean);
    must(home.box.startsIn("a") === 0, "the slot was switched");
  },
  mutants: [
    {
      defence: "a part's digest is compared before it is let in",
      file: "slots/src/part-writer.ts",
      from: 'if (this.#hash.digest("hex") !== digest) {',
      to: "if (digest === path) {",
      caught: /bytes that nobody signed were staged/,
    },
  ],
};
