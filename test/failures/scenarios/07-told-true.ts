/** Row 7: success is reported before it is true, and a fallback is silent. */
import { FailureReason, NodeState, OutcomeKind, WorkState } from "@moult/contracts/v1";
import { until } from "../../../apps/agent/src/testing/until.ts";
import { makeBuild, say } from "../harness/builds.ts";
import { type Failure, must } from "../harness/failure.ts";
import { MOVE_MS, OddHome } from "../harness/odd-home.ts";

/** How many pulses a workload that is not ready is watched for. */
const PULSES = 4;

export const successIsTrue: Failure = {
  name: "07 success is told only once it is true",
  async run(scene) {
    say(scene, "slow", { state: 1 });
    const home = await OddHome.open(scene, { factory: makeBuild(scene, { counter: 1 }) });
    const two = makeBuild(scene, { counter: 2, says: "slow" });
    let lie: string | undefined;
    home.coordinator.hear = ({ report }) => {
      const { value } = report;
      if (report.case === "progress" && value?.situation?.workState !== WorkState.SERVING) {
        lie ??= "the node said that it is back before its workload served";
      }
      if (report.case === "outcome" && report.value.kind === OutcomeKind.COMMITTED) {
        const record = home.box.record();
        const kept = record?.trial === undefined && record?.committed.digest === two.digest;
        if (!kept) lie ??= "a commit was told before it was true on the disk";
      }
      return NodeState.SERVING;
    };
    const honest = (): void => must(lie === undefined, lie ?? "");
    home.offer(two);
    await until("the trial", () => home.box.startsIn("a") > 0, MOVE_MS);
    const pulses = (): number => home.coordinator.streamed.length;
    const atTrial = pulses();
    await until(
      "pulses of a workload that is not ready",
      () => {
        honest();
        must(home.outcomes.length === 0, "an outcome was told while the workload was not ready");
        return pulses() >= atTrial + PULSES;
      },
      MOVE_MS,
    );
    say(scene, "slow");
    await until(
      "the outcome",
      () => {
        honest();
        return home.outcomes.length > 0;
      },
      MOVE_MS,
    );
    must(home.outcomes[0]?.kind === OutcomeKind.COMMITTED, `no commit: ${home.outcomes[0]?.message}`);
  },
  mutants: [
    {
      defence: "the boot record is written before a commit is told",
      file: "update/trial.ts",
      from: '[{ kind: "RECORD", change: commitTrial }]',
      to: '[{ kind: "RECORD", change: (boot) => boot }]',
      caught: /before it was true on the disk/,
    },
  ],
};

export const fallbackIsTold: Failure = {
  name: "07 a fallback is told, with its reason, before anything else",
  async run(scene) {
    const home = await OddHome.open(scene, { factory: makeBuild(scene, { counter: 1, says: "none" }) });
    const dead = makeBuild(scene, { counter: 2, says: "none", agent: "process.exit(3);\n" });
    const { judge } = home.coordinator;
    let silent = false;
    home.coordinator.judge = (ask) => {
      if (home.box.startsIn("a") > 0 && home.outcomes.length === 0) silent = true;
      return judge(ask);
    };
    home.offer(dead);
    await until(
      "the outcome",
      () => {
        must(!silent, "the device was back on its old build and asked as if nothing had been");
        return home.outcomes.length > 0;
      },
      MOVE_MS,
    );
    const [outcome] = home.outcomes;
    must(
      outcome?.kind === OutcomeKind.REVERTED && outcome.reason === FailureReason.AGENT_DID_NOT_START,
      `told as something else: ${outcome?.message}`,
    );
    must(outcome.message.includes("code 3"), `the reason does not say what happened: ${outcome.message}`);
    await home.nextAsks(1);
    must(home.coordinator.asks.at(-1)?.deniedDigests[0] === dead.digest, "the dead build is not denied");
  },
  mutants: [
    {
      defence: "what the launcher gave up is told by the next agent",
      file: "update/begin.ts",
      from: "if (abandoned?.deny === true) {",
      to: "if (abandoned?.deny === true && machine.phase.name !== 'IDLE') {",
      caught: /as if nothing had been/,
    },
  ],
};
