/** `moult token list`: tokens with which devices enrol, those that ended lately among them. */
import { create } from "@bufbuild/protobuf";
import {
  type EnrollmentToken,
  type ListEnrollmentTokensResponse,
  ListEnrollmentTokensResponseSchema,
} from "@moult/contracts/v1";
import type { Command } from "commander";
import { withCoordinator } from "../../connection/coordinator.ts";
import { allPages } from "../../connection/pages.ts";
import { messageJson, print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, addCall } from "../../verb.ts";
import { tokenTable } from "../../views/token.ts";

/** Adds the verb. */
export function addTokenList(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "list",
    summary: "List tokens with which devices enrol",
    detail: "Shows under which id each is revoked. The tokens themselves are not known any more.",
    examples: ["moult token list", "moult token list -o json"],
  }).action(async (options: CallOptions) => {
    await withCoordinator(ports, options, async ({ fleet, call }) => {
      const enrollmentTokens = await allPages<ListEnrollmentTokensResponse, EnrollmentToken>(
        (page) => fleet.listEnrollmentTokens(page, call),
        (answer) => answer.enrollmentTokens,
      );
      const schema = ListEnrollmentTokensResponseSchema;
      print(ports, options.output, {
        json: messageJson(schema, create(schema, { enrollmentTokens })),
        table: (style) => tokenTable(enrollmentTokens, style, ports.now()),
      });
    });
  });
}
