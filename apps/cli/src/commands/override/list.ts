/** `moult override list`: overrides that hold. */
import { ListOverridesResponseSchema } from "@moult/contracts/v1";
import type { Command } from "commander";
import { withCoordinator } from "../../connection/coordinator.ts";
import { messageJson, print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, addCall } from "../../verb.ts";
import { overrideTable } from "../../views/override.ts";

/** Adds the verb. */
export function addOverrideList(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "list",
    summary: "List overrides that hold",
    examples: ["moult override list"],
  }).action(async (options: CallOptions) => {
    await withCoordinator(ports, options, async ({ rollout, call }) => {
      const answer = await rollout.listOverrides({}, call);
      print(ports, options.output, {
        json: messageJson(ListOverridesResponseSchema, answer),
        table: (style) => overrideTable(answer.overrides, style, ports.now()),
      });
    });
  });
}
