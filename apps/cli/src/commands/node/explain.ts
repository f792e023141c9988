/** `moult node explain`: why a node moves or stays. */
import { ExplainNodeResponseSchema } from "@moult/contracts/v1";
import type { Command } from "commander";
import { fullName } from "../../arguments/names.ts";
import { withCoordinator } from "../../connection/coordinator.ts";
import { messageJson, print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, addCall } from "../../verb.ts";
import { explainText } from "../../views/explain.ts";

interface Options extends CallOptions {
  readonly release?: string;
}

/** Adds the verb. */
export function addNodeExplain(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "explain <node>",
    summary: "Explain why a node moves or stays: all three gates, with numbers",
    detail:
      "Evaluates every gate, also where the first says no, as if the node asked now with the build staged. Changes nothing.",
    examples: ["moult node explain n1", "moult node explain n1 --release 2.0.0 -o json"],
  })
    .option("--release <version>", "judge for this release; the one the node would be offered where not given")
    .action(async (node: string, options: Options) => {
      const name = fullName("nodes", node);
      const release = options.release === undefined ? "" : fullName("releases", options.release);
      await withCoordinator(ports, options, async ({ fleet, call }) => {
        const answer = await fleet.explainNode({ name, release }, call);
        print(ports, options.output, {
          json: messageJson(ExplainNodeResponseSchema, answer),
          table: (style) => explainText(answer, style),
        });
      });
    });
}
