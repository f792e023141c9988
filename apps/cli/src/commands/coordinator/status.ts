/** `moult coordinator status`: the one that answers, the store, the coordinators that share it, and who decides. */
import { GetStatusResponseSchema } from "@moult/contracts/v1";
import type { Command } from "commander";
import { withCoordinator } from "../../connection/coordinator.ts";
import { messageJson, print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, addCall } from "../../verb.ts";
import { coordinatorDetail } from "../../views/coordinator.ts";

/** Adds the verb. */
export function addCoordinatorStatus(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "status",
    summary: "Show the coordinator, its store, those that share it, and who decides",
    detail:
      "The coordinator that is asked answers, also where another decides. An epoch is raised each time that a coordinator " +
      "takes over: what was written under a lower one can no longer be added to.",
    examples: ["moult coordinator status", "moult coordinator status -o json"],
  }).action(async (options: CallOptions) => {
    await withCoordinator(ports, options, async ({ fleet, call }) => {
      const answer = await fleet.getStatus({}, call);
      print(ports, options.output, {
        json: messageJson(GetStatusResponseSchema, answer),
        table: (style) => coordinatorDetail(answer, style, ports.now()),
      });
    });
  });
}
