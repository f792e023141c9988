/** `moult brake status`: whether the brake is on, why and since when. */
import { GetBrakeResponseSchema } from "@moult/contracts/v1";
import type { Command } from "commander";
import { present, withCoordinator } from "../../connection/coordinator.ts";
import { messageJson, print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, addCall } from "../../verb.ts";
import { brakeDetail } from "../../views/brake.ts";

/** Adds the verb. */
export function addBrakeStatus(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "status",
    summary: "Show whether the brake is on, why and since when",
    examples: ["moult brake status"],
  }).action(async (options: CallOptions) => {
    await withCoordinator(ports, options, async ({ rollout, call }) => {
      const answer = await rollout.getBrake({}, call);
      const brake = present(answer.brake, "brake");
      print(ports, options.output, {
        json: messageJson(GetBrakeResponseSchema, answer),
        table: (style) => brakeDetail(brake, style, ports.now()),
      });
    });
  });
}
