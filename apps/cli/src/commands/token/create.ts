/** `moult token create`: a token for devices to enrol with. It is shown once. */
import { CreateEnrollmentTokenResponseSchema } from "@moult/contracts/v1";
import type { Command } from "commander";
import { parseDurationS } from "../../arguments/duration.ts";
import { fullName, idOf } from "../../arguments/names.ts";
import { wholeNumber } from "../../arguments/numbers.ts";
import { parsePairs } from "../../arguments/pairs.ts";
import { withCoordinator } from "../../connection/coordinator.ts";
import { messageJson, print } from "../../output/print.ts";
import { renderPairs } from "../../output/table.ts";
import { printable } from "../../output/text.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, about, addCall, repeatable } from "../../verb.ts";
import { relative } from "../../views/time.ts";

/** As the contract allows: ten million devices, five years. */
const USES_MAX = 10_000_000;
const TTL_S_MAX = 157_680_000;

interface Options extends CallOptions {
  readonly pool: string;
  readonly uses: number;
  /** Seconds. */
  readonly for: number;
  readonly label: readonly string[];
}

/** Adds the verb. */
export function addTokenCreate(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "create",
    summary: "Make a token with which devices enrol",
    detail:
      "The token is in this answer and nowhere else. Put it into the devices' configuration; each erases it once accepted.",
    examples: ["moult token create --pool home --uses 500 --for 30d --label region=eu"],
  })
    .requiredOption("--pool <id>", "pool that devices with this token join")
    .requiredOption("--uses <n>", "how many devices may enrol with it", about("--uses", wholeNumber(1, USES_MAX)))
    .requiredOption(
      "--for <duration>",
      "how long it holds, as in 30d",
      about("--for", (text) => parseDurationS(text, TTL_S_MAX)),
    )
    .addOption(repeatable("--label <key=value>", "a label every such device gets"))
    .action(async (options: Options) => {
      const pool = fullName("pools", options.pool);
      const labels = parsePairs(options.label, "KEY=VALUE");
      await withCoordinator(ports, options, async ({ fleet, call }) => {
        const answer = await fleet.createEnrollmentToken({ pool, uses: options.uses, ttlS: options.for, labels }, call);
        print(ports, options.output, {
          json: messageJson(CreateEnrollmentTokenResponseSchema, answer),
          table: (style) =>
            renderPairs(
              [
                ["token", { text: printable(answer.enrollmentToken), tone: "strong" }],
                ["ends", relative(answer.expireTime, ports.now())],
                ["id", printable(idOf(answer.name))],
              ],
              style,
            ),
        });
      });
    });
}
