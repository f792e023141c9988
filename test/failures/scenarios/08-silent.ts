/** Row 8: a silent device is "proceeding" for ever. */
import { Decision, FailureReason, NodeState, OutcomeKind } from "@moult/contracts/v1";
import { WORKING } from "../../../apps/coordinator/src/testing/device.ts";
import { makeBuild, say } from "../harness/builds.ts";
import { type Failure, must } from "../harness/failure.ts";
import { Home } from "../harness/home.ts";
import { OddHome } from "../harness/odd-home.ts";

const PERMIT_TTL_MS = 30_000;

export const silentDevice: Failure = {
  name: "08 a device that fell silent under way is given up, holds nobody up, and may come back",
  async run(scene) {
    say(scene, "busy", { inFlight: 1, shards: [] });
    const home = await Home.open(scene, {
      factory: makeBuild(scene, { counter: 1, says: "busy" }),
      capacity: { permit_ttl_ms: PERMIT_TTL_MS },
    });
    const two = makeBuild(scene, { counter: 2, says: "busy", files: { note: "another workload" } });
    await home.release(two);
    await home.nodeIs("a permit", ({ state }) => state === NodeState.LEAVING);
    await home.box.cutPower();

    home.coordinator.putForward(PERMIT_TTL_MS + 1_000);
    const gone = await home.nodeIs("the loss", ({ permit }) => permit === undefined);
    must(gone.state === NodeState.LOST, `a silent device counts as ${NodeState[gone.state]}`);
    const [other] = await home.coordinator.company();
    const verdict = await other?.ask({ stagedDigest: two.digest, situation: { ...WORKING, loadRps: 0 } });
    must(verdict?.decision === Decision.GO, `another node has to wait behind it: ${verdict?.message}`);

    say(scene, "busy", { shards: [] });
    home.box.switchOn();
    await home.nodeIs("the new build", ({ digest, state }) => digest === two.digest && state === NodeState.SERVING);
  },
};

/** Says that it lives and decides nothing. */
const UNDECIDED = `
import { Socket } from "node:net";
const pipe = new Socket({ fd: Number(process.env.MOULT_LAUNCHER_FD) });
pipe.on("error", () => process.exit(0));
pipe.on("close", () => process.exit(0));
pipe.resume();
pipe.write("up\\n");
setInterval(() => pipe.write("alive\\n"), 100);
`;

export const undecidedAgent: Failure = {
  name: "08 a new agent that never decides its trial is ended, and that is told",
  async run(scene) {
    const home = await OddHome.open(scene, {
      factory: makeBuild(scene, { counter: 1, says: "none" }),
      config: { trial_timeout_ms: 1_000, unreachable_soak_ms: 1_000, trial_tries: 1 },
    });
    home.offer(makeBuild(scene, { counter: 2, says: "none", agent: UNDECIDED }));
    const outcome = await home.outcome(1);
    must(
      outcome.kind === OutcomeKind.REVERTED && outcome.reason === FailureReason.TRIAL_TIMEOUT,
      `told as something else: ${outcome.message}`,
    );
    await home.nextAsks(1);
  },
};
