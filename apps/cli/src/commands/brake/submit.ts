/** `moult brake submit`: hands a signed brake in. Never asks: whoever brakes is in a hurry. */
import { SubmitBrakeResponseSchema } from "@moult/contracts/v1";
import { STATEMENT_BYTES_MAX } from "@moult/trust/statement";
import type { Command } from "commander";
import { type Coordinator, present, withCoordinator } from "../../connection/coordinator.ts";
import { readBounded } from "../../files.ts";
import { messageJson, print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, addCall } from "../../verb.ts";
import { signedBrakes } from "../../views/metadata.ts";

/** Adds the verb. */
export function addBrakeSubmit(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "submit <file>",
    summary: "Hand in a signed brake, so that it reaches every device",
    detail:
      "It holds here at once, and on each device as soon as it is there: with its next answer, on its open stream, or from a " +
      "mirror. Repeating it changes nothing. With --state-dir the token is breaker.token.",
    examples: ["moult brake submit brake.json"],
  }).action(async (path: string, options: CallOptions) => {
    const statement = readBounded(path, STATEMENT_BYTES_MAX);
    const submit = async ({ metadata, call }: Coordinator): Promise<void> => {
      const answer = await metadata.submitBrake({ statement }, call);
      const brake = present(answer.brake, "brake");
      print(ports, options.output, {
        json: messageJson(SubmitBrakeResponseSchema, answer),
        table: (style) => signedBrakes([brake], style, ports.now()),
      });
    };
    await withCoordinator(ports, options, submit, "breaker.token");
  });
}
