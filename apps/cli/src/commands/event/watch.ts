/** `moult event watch`: what looks wrong, as it is told, until Ctrl-C. */
import { EventSchema, type WatchEventsResponse } from "@moult/contracts/v1";
import type { Command } from "commander";
import { stringify } from "yaml";
import { parseEventKinds } from "../../arguments/event-kinds.ts";
import { wholeNumber } from "../../arguments/numbers.ts";
import { withCoordinator } from "../../connection/coordinator.ts";
import { CliError } from "../../errors.ts";
import { messageJson } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, about, addCall, repeatable } from "../../verb.ts";
import { eventLine } from "../../views/event.ts";

interface Options extends CallOptions {
  readonly kind: readonly string[];
  readonly count?: number;
}

/** Adds the verb. */
export function addEventWatch(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "watch",
    summary: "Show what looks wrong as it is told",
    detail:
      "A line for each event; with -o json one JSON object a line, with -o yaml one document each. Ends with Ctrl-C, or after " +
      "--count events.",
    examples: ["moult event watch", "moult event watch --kind clone --count 1 -o json"],
  })
    .addOption(repeatable("--kind <kind>", "only of this kind", "all"))
    .option("--count <n>", "end after this many", about("--count", wholeNumber(1, Number.MAX_SAFE_INTEGER)))
    .action(async (options: Options) => {
      const kinds = parseEventKinds(options.kind);
      const signal = ports.interrupted();
      await withCoordinator(ports, options, async ({ fleet, who }) => {
        const stream = fleet.watchEvents({ kinds }, { ...who, signal });
        try {
          let left = options.count ?? Number.POSITIVE_INFINITY;
          for await (const { event } of stream as AsyncIterable<WatchEventsResponse>) {
            if (event === undefined) continue;
            const json = messageJson(EventSchema, event);
            const text = {
              json: `${JSON.stringify(json)}\n`,
              yaml: `---\n${stringify(json)}`,
              table: `${eventLine(event)}\n`,
            };
            ports.stdout.write(text[options.output]);
            left -= 1;
            if (left === 0) return;
          }
          throw new CliError("UNREACHABLE", "The coordinator ended the stream.", { advice: ["Watch again."] });
        } catch (error) {
          // Ctrl-C is how a watch is meant to end.
          if (!signal.aborted) throw error;
        } finally {
          stream.cancel();
        }
      });
    });
}
