/** `moult brake engage`: nobody leaves any more. Never asks: whoever pulls a brake is in a hurry. */
import { EngageBrakeResponseSchema } from "@moult/contracts/v1";
import type { Command } from "commander";
import { present, withCoordinator } from "../../connection/coordinator.ts";
import { messageJson, print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, addCall } from "../../verb.ts";
import { brakeDetail } from "../../views/brake.ts";

interface Options extends CallOptions {
  readonly reason: string;
}

/** Adds the verb. */
export function addBrakeEngage(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "engage",
    summary: "Stop all new moves at once",
    detail:
      "It holds at this coordinator; a brake that every device checks by itself is a breaker's: moult brake sign. Nodes that " +
      "drain are refused at their re-check and go on working; nodes that are away finish.",
    examples: ['moult brake engage --reason "2.0.0 drops requests in region eu"'],
  })
    .requiredOption("--reason <text>", "why; 1 to 512 characters")
    .action(async (options: Options) => {
      await withCoordinator(ports, options, async ({ rollout, call }) => {
        const answer = await rollout.engageBrake({ reason: options.reason }, call);
        const brake = present(answer.brake, "brake");
        print(ports, options.output, {
          json: messageJson(EngageBrakeResponseSchema, answer),
          table: (style) => brakeDetail(brake, style, ports.now()),
        });
      });
    });
}
