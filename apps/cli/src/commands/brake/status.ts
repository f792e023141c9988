/** `moult brake status`: the coordinator's own brake, and breakers' brakes that devices check by themselves. */
import { GetBrakeResponseSchema, GetMetadataStatusResponseSchema } from "@moult/contracts/v1";
import type { JsonObject } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { present, withCoordinator } from "../../connection/coordinator.ts";
import { messageJson, print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, addCall } from "../../verb.ts";
import { brakeDetail } from "../../views/brake.ts";
import { signedBrakes } from "../../views/metadata.ts";

/** Adds the verb. */
export function addBrakeStatus(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "status",
    summary: "Show the coordinator's own brake, and the signed ones",
    detail:
      "The coordinator's own brake holds for what it grants, until an operator releases it. Signed ones hold on every device, " +
      "until they end or the council lifts them.",
    examples: ["moult brake status"],
  }).action(async (options: CallOptions) => {
    await withCoordinator(ports, options, async ({ rollout, metadata, call }) => {
      const [answer, status] = await Promise.all([rollout.getBrake({}, call), metadata.getMetadataStatus({}, call)]);
      const brake = present(answer.brake, "brake");
      const own = messageJson(GetBrakeResponseSchema, answer) as JsonObject;
      const { brakes } = messageJson(GetMetadataStatusResponseSchema, status) as JsonObject;
      print(ports, options.output, {
        json: { ...own, signed: brakes ?? [] },
        table: (style) => brakeDetail(brake, style, ports.now()) + signedBrakes(status.brakes, style, ports.now()),
      });
    });
  });
}
