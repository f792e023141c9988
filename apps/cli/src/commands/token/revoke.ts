/** `moult token revoke`: ends a token now. */
import { RevokeEnrollmentTokenResponseSchema } from "@moult/contracts/v1";
import type { Command } from "commander";
import { fullName } from "../../arguments/names.ts";
import { present, withCoordinator } from "../../connection/coordinator.ts";
import { messageJson, print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, addCall } from "../../verb.ts";
import { tokenTable } from "../../views/token.ts";

/** Adds the verb. */
export function addTokenRevoke(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "revoke <token>",
    summary: "End an enrolment token now",
    detail:
      "Takes the id that `moult token list` shows, not the token itself. Devices that have enrolled with it stay. " +
      "Repeating it changes nothing.",
    examples: ["moult token revoke 5feceb66ffc86f38"],
  }).action(async (token: string, options: CallOptions) => {
    const name = fullName("enrollmentTokens", token);
    await withCoordinator(ports, options, async ({ fleet, call }) => {
      const answer = await fleet.revokeEnrollmentToken({ name }, call);
      const ended = present(answer.enrollmentToken, "enrollment_token");
      print(ports, options.output, {
        json: messageJson(RevokeEnrollmentTokenResponseSchema, answer),
        table: (style) => tokenTable([ended], style, ports.now()),
      });
    });
  });
}
