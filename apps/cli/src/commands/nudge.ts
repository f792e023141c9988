/** `moult nudge`: tells nodes to look now. It never changes an answer. */
import { NudgeNodesResponseSchema } from "@moult/contracts/v1";
import type { Command } from "commander";
import { fullName } from "../arguments/names.ts";
import { withCoordinator } from "../connection/coordinator.ts";
import { messageJson, print } from "../output/print.ts";
import type { Ports } from "../ports.ts";
import { type CallOptions, addCall } from "../verb.ts";

interface Options extends CallOptions {
  readonly release?: string;
}

/** Adds the verb. */
export function addNudge(program: Command, ports: Ports): void {
  addCall(program, {
    usage: "nudge [node...]",
    summary: "Tell nodes to look now instead of at their next waking",
    detail: "Without a node, all of them. A nudge skips the sleep, never a gate.",
    examples: ["moult nudge", "moult nudge n1 n2 --release 2.0.0"],
  })
    .option("--release <version>", "the release there is to look at")
    .action(async (names: readonly string[], options: Options) => {
      const nodes = names.map((name) => fullName("nodes", name));
      const release = options.release === undefined ? "" : fullName("releases", options.release);
      await withCoordinator(ports, options, async ({ rollout, call }) => {
        const answer = await rollout.nudgeNodes({ nodes, release, requestId: ports.randomId() }, call);
        const later = answer.meant - answer.told;
        print(ports, options.output, {
          json: messageJson(NudgeNodesResponseSchema, answer),
          table: () =>
            `${answer.told} of ${answer.meant} nodes were told` +
            `${later > 0 ? `; ${later} have no open stream and look at their next waking` : ""}.\n`,
        });
      });
    });
}
