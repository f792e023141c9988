/** Row 9: cancelling does not stop a retry. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Gate, NodeState } from "@moult/contracts/v1";
import { until } from "../../../apps/agent/src/testing/until.ts";
import { makeBuild, say, versionOf } from "../harness/builds.ts";
import { type Failure, must } from "../harness/failure.ts";
import { Home } from "../harness/home.ts";
import { MOVE_MS } from "../harness/odd-home.ts";

export const cancelledMove: Failure = {
  name: "09 a move that is cancelled while the node drains does not take place",
  async run(scene) {
    say(scene, "busy", { inFlight: 1, shards: [] });
    const home = await Home.open(scene, { factory: makeBuild(scene, { counter: 1, says: "busy" }) });
    const two = makeBuild(scene, { counter: 2 });
    await home.release(two);
    await home.nodeIs("a permit", ({ state }) => state === NodeState.LEAVING);
    const { rollout, operator } = home.coordinator.clients;
    await rollout.engageBrake({ reason: "smoke" }, operator);
    say(scene, "busy", { shards: [] });
    const calls = join(scene.root, "busy.calls");
    await until(
      "the work goes on",
      () => {
        must(home.box.startsIn("a") === 0, "the device left although its leave was taken back");
        return existsSync(calls) && readFileSync(calls, "utf8").trimEnd().endsWith("restore");
      },
      MOVE_MS,
    );
    await home.nodeIs("the node serves", ({ state, permit }) => state === NodeState.SERVING && permit === undefined);
    must(home.box.record()?.trial === undefined, "the boot record has a trial all the same");
    await rollout.releaseBrake({ reason: "steam" }, operator);
    await home.nodeIs("the move after all", ({ digest }) => digest === two.digest);
  },
  mutants: [
    {
      defence: "only a GO at the re-ask lets the workload be stopped",
      file: "update/departing.ts",
      from: 'if (verdict.decision !== "GO") return remain(machine, verdict, at);',
      to: 'if (verdict.decision !== "GO") return leave(machine, at);',
      caught: /left although its leave was taken back/,
    },
  ],
};

export const cancelledPull: Failure = {
  name: "09 a pull that is repeated ends when the release is cancelled",
  async run(scene) {
    const home = await Home.open(scene, {
      factory: makeBuild(scene, { counter: 1, says: "none" }),
      config: { pull_rounds: 1, failure_backoff_ms: 200, failure_backoff_max_ms: 200 },
    });
    home.mirror.misbehave = ({ response }) => {
      response.writeHead(503).end();
      return true;
    };
    await home.release(makeBuild(scene, { counter: 2, says: "none" }));
    await until("repeated pulls", () => home.mirror.asked.length >= 3, MOVE_MS);
    await home.dial(versionOf(2), "nobody");
    await home.nodeIs("a no", ({ lastVerdict }) => lastVerdict?.gate === Gate.DIAL);
    const asked = home.mirror.asked.length;
    let times = 0;
    let lastMs = 0n;
    await home.nodeIs("more asks", ({ lastVerdict }) => {
      const atMs = (lastVerdict?.time?.seconds ?? 0n) * 1_000_000_000n + BigInt(lastVerdict?.time?.nanos ?? 0);
      if (atMs !== lastMs) times += 1;
      lastMs = atMs;
      must(home.mirror.asked.length === asked, "it went on pulling what was cancelled");
      return times >= 5;
    });
  },
};
