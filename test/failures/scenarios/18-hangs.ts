/** Row 18: progress hangs at 93 % for ever; tools are missing from PATH. */
import { FailureReason, OutcomeKind } from "@moult/contracts/v1";
import { type Wanted, writeHonestHead } from "../../../apps/agent/src/testing/artifact-server.ts";
import { makeBuild } from "../harness/builds.ts";
import { type Failure, must } from "../harness/failure.ts";
import { OddHome } from "../harness/odd-home.ts";

const LARGE = new Uint8Array(200_000).map((_, index) => (index * 11) % 251);
const STOP_AT = Math.round(LARGE.length * 0.93);

function hangAt93(wanted: Wanted): boolean {
  if (wanted.body.length !== LARGE.length) return false;
  writeHonestHead(wanted);
  if (wanted.fromByte < STOP_AT) wanted.response.write(wanted.body.subarray(wanted.fromByte, STOP_AT));
  return true;
}

export const hangs: Failure = {
  name: "18 a download that hangs at 93 % is given up in time, or goes on elsewhere from there",
  async run(scene) {
    const home = await OddHome.open(scene, {
      factory: makeBuild(scene, { counter: 1, says: "none" }),
      mirrors: 2,
      config: { pull_stall_timeout_ms: 300, pull_rounds: 2, failure_backoff_ms: 120_000 },
    });
    for (const mirror of home.mirrors) mirror.misbehave = hangAt93;
    const two = makeBuild(scene, { counter: 2, says: "none", files: { large: LARGE } });
    home.offer(two);
    const outcome = await home.outcome(1);
    must(
      outcome.kind === OutcomeKind.FAILED && outcome.reason === FailureReason.PULL,
      `a download that hangs was told as something else: ${outcome.message}`,
    );
    const resumed: number[] = [];
    const [, second] = home.mirrors;
    must(second !== undefined, "there is no second mirror");
    second.misbehave = ({ body, fromByte }) => {
      if (body.length === LARGE.length) resumed.push(fromByte);
      return false;
    };
    await home.nudgedTo(two);
    must(resumed.length === 1 && resumed[0] === STOP_AT, `went on from byte ${resumed.join(", ")}, not ${STOP_AT}`);
  },
};

export const noTools: Failure = {
  name: "18 a box without a single tool on its PATH updates",
  async run(scene) {
    const home = await OddHome.make(scene, { factory: makeBuild(scene, { counter: 1 }) });
    home.box.switchOn({ PATH: "/nonexistent" });
    const two = makeBuild(scene, { counter: 2 });
    home.offer(two);
    await home.committed(two);
  },
};
