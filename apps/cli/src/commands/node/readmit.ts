/** `moult node readmit`: lets a node out of quarantine. */
import { ReadmitNodeResponseSchema } from "@moult/contracts/v1";
import type { Command } from "commander";
import { fullName } from "../../arguments/names.ts";
import { present, withCoordinator } from "../../connection/coordinator.ts";
import { messageJson, print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, addCall } from "../../verb.ts";
import { nodeDetail } from "../../views/node.ts";

interface Options extends CallOptions {
  readonly reason: string;
}

/** Adds the verb. */
export function addNodeReadmit(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "readmit <node>",
    summary: "Let a node out of quarantine",
    detail:
      "A node is quarantined when two devices speak with its key: one is a copy of the other. Switch the copy off, or give " +
      "it a key of its own, first: as long as both speak, the node is quarantined again. It is written to the audit log " +
      "with your reason.",
    examples: ['moult node readmit n1 --reason "the cloned card was wiped"'],
  })
    .requiredOption("--reason <text>", "why; 1 to 512 characters")
    .action(async (text: string, options: Options) => {
      const name = fullName("nodes", text);
      await withCoordinator(ports, options, async ({ fleet, call }) => {
        const answer = await fleet.readmitNode({ name, reason: options.reason }, call);
        const node = present(answer.node, "node");
        print(ports, options.output, {
          json: messageJson(ReadmitNodeResponseSchema, answer),
          table: (style) => nodeDetail(node, style, ports.now()),
        });
      });
    });
}
