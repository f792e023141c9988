/** `moult override delete`: ends an override now. */
import { DeleteOverrideResponseSchema } from "@moult/contracts/v1";
import type { Command } from "commander";
import { fullName } from "../../arguments/names.ts";
import { withCoordinator } from "../../connection/coordinator.ts";
import { messageJson, print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, addCall } from "../../verb.ts";

/** Adds the verb. */
export function addOverrideDelete(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "delete <override>",
    summary: "End an override now",
    detail: "Nodes that are away finish; nodes that drain are checked again without it. Repeating it changes nothing.",
    examples: ["moult override delete 01HX2"],
  }).action(async (override: string, options: CallOptions) => {
    const name = fullName("overrides", override);
    await withCoordinator(ports, options, async ({ rollout, call }) => {
      const answer = await rollout.deleteOverride({ name }, call);
      print(ports, options.output, {
        json: messageJson(DeleteOverrideResponseSchema, answer),
        table: () => `${name} has ended.\n`,
      });
    });
  });
}
