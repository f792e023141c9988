/** `moult dial get`: where the dial of a release stands. */
import { GetDialResponseSchema } from "@moult/contracts/v1";
import type { Command } from "commander";
import { fullName } from "../../arguments/names.ts";
import { present, withCoordinator } from "../../connection/coordinator.ts";
import { messageJson, print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, addCall } from "../../verb.ts";
import { dialDetail } from "../../views/dial.ts";

/** Adds the verb. */
export function addDialGet(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "get <release>",
    summary: "Show where the dial of a release stands",
    examples: ["moult dial get 2.0.0"],
  }).action(async (release: string, options: CallOptions) => {
    const name = fullName("releases", release);
    await withCoordinator(ports, options, async ({ rollout, call }) => {
      const answer = await rollout.getDial({ release: name }, call);
      const dial = present(answer.dial, "dial");
      print(ports, options.output, {
        json: messageJson(GetDialResponseSchema, answer),
        table: (style) => dialDetail(dial, style, ports.now()),
      });
    });
  });
}
