/** `moult brake release`: lets moves go on. */
import { ReleaseBrakeResponseSchema } from "@moult/contracts/v1";
import type { Command } from "commander";
import { present, withCoordinator } from "../../connection/coordinator.ts";
import { confirmDanger } from "../../output/confirm.ts";
import { messageJson, print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, addCall } from "../../verb.ts";
import { brakeDetail } from "../../views/brake.ts";

interface Options extends CallOptions {
  readonly reason: string;
  readonly yes?: boolean;
}

/** Adds the verb. */
export function addBrakeRelease(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "release",
    summary: "Let moves go on",
    examples: ['moult brake release --reason "2.0.0 was recalled" --yes'],
  })
    .requiredOption("--reason <text>", "why; 1 to 512 characters")
    .option("-y, --yes", "do not ask")
    .action(async (options: Options) => {
      await confirmDanger(ports, options.yes === true, "Release the brake, so that nodes move again?");
      await withCoordinator(ports, options, async ({ rollout, call }) => {
        const answer = await rollout.releaseBrake({ reason: options.reason }, call);
        const brake = present(answer.brake, "brake");
        print(ports, options.output, {
          json: messageJson(ReleaseBrakeResponseSchema, answer),
          table: (style) => brakeDetail(brake, style, ports.now()),
        });
      });
    });
}
