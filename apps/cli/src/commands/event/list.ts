/** `moult event list`: what looked wrong lately, newest first. */
import { create } from "@bufbuild/protobuf";
import { ListEventsResponseSchema } from "@moult/contracts/v1";
import type { Command } from "commander";
import { parseEventKinds } from "../../arguments/event-kinds.ts";
import { wholeNumber } from "../../arguments/numbers.ts";
import { withCoordinator } from "../../connection/coordinator.ts";
import { messageJson, print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, about, addCall, repeatable } from "../../verb.ts";
import { eventTable } from "../../views/event.ts";

/** As many as one answer may carry. */
const COUNT_MAX = 1_000;
const COUNT_DEFAULT = 100;

interface Options extends CallOptions {
  readonly kind: readonly string[];
  readonly count?: number;
}

/** Adds the verb. */
export function addEventList(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "list",
    summary: "List what looked wrong lately, newest first",
    detail: "An event stops nothing. Repeats are counted and told together. All events stand in the audit log as well.",
    examples: ["moult event list", "moult event list --kind clone --kind ask-storm -o json"],
  })
    .addOption(repeatable("--kind <kind>", "only of this kind", "all"))
    .option(
      "--count <n>",
      `at most this many; ${COUNT_DEFAULT} by default`,
      about("--count", wholeNumber(1, COUNT_MAX)),
    )
    .action(async (options: Options) => {
      const kinds = parseEventKinds(options.kind);
      await withCoordinator(ports, options, async ({ fleet, call }) => {
        const { events } = await fleet.listEvents({ kinds, pageSize: options.count ?? COUNT_DEFAULT }, call);
        print(ports, options.output, {
          json: messageJson(ListEventsResponseSchema, create(ListEventsResponseSchema, { events })),
          table: (style) => eventTable(events, style, ports.now()),
        });
      });
    });
}
