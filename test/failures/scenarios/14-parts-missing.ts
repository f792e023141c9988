/** Row 14: an update counts as applied, and large files are missing. */
import { rmSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { FailureReason, OutcomeKind } from "@moult/contracts/v1";
import { digestOf } from "@moult/trust";
import { until } from "../../../apps/agent/src/testing/until.ts";
import { makeBuild } from "../harness/builds.ts";
import { type Failure, must } from "../harness/failure.ts";
import { MOVE_MS, OddHome } from "../harness/odd-home.ts";

const LARGE = new Uint8Array(300_000).map((_, index) => (index * 7) % 251);

export const partNeverCame: Failure = {
  name: "14 an update whose large file did not come whole is not applied",
  async run(scene) {
    const home = await OddHome.open(scene, {
      factory: makeBuild(scene, { counter: 1, says: "none" }),
      mirrors: 2,
      config: { pull_rounds: 1, failure_backoff_ms: 120_000 },
    });
    const two = makeBuild(scene, { counter: 2, says: "none", files: { large: LARGE } });
    for (const mirror of home.mirrors) {
      // Says that it is done, and gave half.
      mirror.misbehave = ({ body, response }) => {
        if (body.length !== LARGE.length) return false;
        response.writeHead(200, { "content-length": LARGE.length / 2 }).end(body.subarray(0, LARGE.length / 2));
        return true;
      };
    }
    home.offer(two);
    const outcome = await home.outcome(1);
    must(
      outcome.kind === OutcomeKind.FAILED && outcome.reason === FailureReason.PULL,
      `half a file was taken: ${outcome.message}`,
    );
    must(!home.coordinator.asks.some(({ stagedDigest }) => stagedDigest === two.digest), "half a build is staged");
    must(statSync(join(home.box.dir, "slots", "a"), { throwIfNoEntry: false }) === undefined, "there is half a slot");

    for (const mirror of home.mirrors) mirror.misbehave = undefined;
    await home.nudgedTo(two);
    must(statSync(join(home.box.dir, "slots", "a", "large")).size === LARGE.length, "the large file is not whole");
  },
};

export const partLostLater: Failure = {
  name: "14 a staged build whose large file was lost is not started, and is made whole again",
  async run(scene) {
    const home = await OddHome.open(scene, { factory: makeBuild(scene, { counter: 1, says: "none" }) });
    const two = makeBuild(scene, { counter: 2, says: "none", files: { large: LARGE } });
    const large = join(home.box.dir, "slots", "a", "large");
    const { judge } = home.coordinator;
    let spoiled = false;
    home.coordinator.judge = (ask) => {
      if (ask.stagedDigest === two.digest && ask.drained && !spoiled) {
        spoiled = true;
        // The store's own copy is the same file: both are short now.
        truncateSync(join(home.box.dir, "parts", digestOf(LARGE)), 1_000);
        rmSync(large);
      }
      return judge(ask);
    };
    home.offer(two);
    const seen = (text: string): number => home.box.log.findIndex(({ msg }) => msg.includes(text));
    await until("the launcher's finding", () => seen("large is missing") >= 0, MOVE_MS);
    const found = (): number => home.box.log.filter(({ msg }) => msg.includes("slot a is not whole")).length;
    await until(
      "the new build",
      () => {
        must(found() < 3, "the same damaged slot was built again and again");
        return home.coordinator.asks.at(-1)?.runningDigest === two.digest;
      },
      MOVE_MS,
    );
    must(seen("large is missing") < seen("starting the agent in slot a"), "it was started without its large file");
    must(statSync(large).size === LARGE.length, "the large file is not whole");
  },
  mutants: [
    {
      defence: "parts that are on the disk are read again before they are built from",
      file: "slots/src/slot-store.ts",
      from: "if (await this.#isSound(part)) sound.add(part.digest);",
      to: "if (present.has(part.digest)) sound.add(part.digest);",
      caught: /built again and again/,
    },
  ],
};
