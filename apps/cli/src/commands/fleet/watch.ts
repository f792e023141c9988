/** `moult fleet watch`: the fleet in numbers, each time they change, until Ctrl-C. */
import { type WatchFleetResponse, WatchFleetResponseSchema } from "@moult/contracts/v1";
import type { Command } from "commander";
import { stringify } from "yaml";
import { wholeNumber } from "../../arguments/numbers.ts";
import { withCoordinator } from "../../connection/coordinator.ts";
import { CliError } from "../../errors.ts";
import { liveBlock } from "../../output/live.ts";
import { type Format, messageJson } from "../../output/print.ts";
import { styleFor } from "../../output/style.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, about, addCall } from "../../verb.ts";
import { fleetFrame, fleetLine } from "../../views/fleet.ts";

interface Options extends CallOptions {
  readonly count?: number;
}

/** Adds the verb. */
export function addFleetWatch(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "watch",
    summary: "Watch versions, states and pools as they change",
    detail:
      "Redraws on a terminal; elsewhere writes a line for each change. With -o json each line is one JSON object, with -o yaml " +
      "each change is one document. Ends with Ctrl-C, or after --count changes.",
    examples: ["moult fleet watch", "moult fleet watch --count 1 -o json"],
  })
    .option("--count <n>", "end after this many", about("--count", wholeNumber(1, Number.MAX_SAFE_INTEGER)))
    .action(async (options: Options) => {
      const signal = ports.interrupted();
      await withCoordinator(ports, options, async ({ fleet, who }) => {
        const shown = show(ports, options.output);
        const stream = fleet.watchFleet({}, { ...who, signal });
        try {
          let left = options.count ?? Number.POSITIVE_INFINITY;
          for await (const message of stream) {
            shown.next(message as WatchFleetResponse);
            left -= 1;
            if (left === 0) return;
          }
          throw new CliError("UNREACHABLE", "The coordinator ended the stream.", { advice: ["Watch again."] });
        } catch (error) {
          // Ctrl-C is how a watch is meant to end.
          if (!signal.aborted) throw error;
        } finally {
          stream.cancel();
          shown.end();
        }
      });
    });
}

interface Shown {
  readonly next: (fleet: WatchFleetResponse) => void;
  readonly end: () => void;
}

function show(ports: Ports, format: Format): Shown {
  const { stdout } = ports;
  const end = (): void => {};
  switch (format) {
    case "json":
      return {
        next: (fleet) => stdout.write(`${JSON.stringify(messageJson(WatchFleetResponseSchema, fleet))}\n`),
        end,
      };
    case "yaml":
      return { next: (fleet) => stdout.write(`---\n${stringify(messageJson(WatchFleetResponseSchema, fleet))}`), end };
    case "table": {
      if (!stdout.isTTY) return { next: (fleet) => stdout.write(`${fleetLine(fleet)}\n`), end };
      const style = styleFor(stdout, ports.env);
      const block = liveBlock(stdout);
      return { next: (fleet) => block.draw(fleetFrame(fleet, style)), end: block.end };
    }
    default:
      return format satisfies never;
  }
}
