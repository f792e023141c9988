/** `moult dial set`: turns the dial of a release. */
import { SetDialResponseSchema } from "@moult/contracts/v1";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Argument, type Command, Option } from "commander";
import { parseDurationMs } from "../../arguments/duration.ts";
import { fullName } from "../../arguments/names.ts";
import { type Requirement, parseSelector } from "../../arguments/selector.ts";
import { parseShare } from "../../arguments/share.ts";
import { present, withCoordinator } from "../../connection/coordinator.ts";
import { confirmDanger } from "../../output/confirm.ts";
import { messageJson, print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, about, addCall, repeatable } from "../../verb.ts";
import { dialDetail } from "../../views/dial.ts";
import { POSITIONS, type Position, type SettingFlags, readSetting } from "./setting.ts";

interface Options extends CallOptions, SettingFlags {
  readonly yes?: boolean;
  readonly deadlineIn?: number;
}

/** Adds the verb. */
export function addDialSet(parent: Command, ports: Ports): void {
  const selector = about("--selector", parseSelector);
  addCall(parent, {
    usage: "set <release>",
    summary: "Turn the dial of a release",
    detail:
      "The dial only ever lets nodes ask on: allowlist and capacity are judged for each of them all the same. Turning it down " +
      "calls back no node; it stops further moves. A node is named when it is listed or matches any selector; it matches a " +
      "selector when it meets all of its requirements.",
    examples: [
      "moult dial set 2.0.0 nobody",
      "moult dial set 2.0.0 named --node n1 --node n2 --selector 'region=eu,model in (m1|m2)'",
      "moult dial set 2.0.0 share --share 25%",
      "moult dial set 2.0.0 everyone --yes",
      "moult dial set 2.0.0 everyone --deadline-in 7d --yes",
    ],
  })
    .addArgument(new Argument("<position>", "who may move").choices(POSITIONS))
    .addOption(repeatable("--node <id>", "a node, with named"))
    .addOption(
      new Option("--selector <selector>", "labels of nodes, with named: k=v,k in (a|b); repeat for more")
        .default([], "none")
        .argParser((text, before: readonly (readonly Requirement[])[]) => [...before, selector(text)]),
    )
    .option("--share <share>", "share of all nodes, with share: 25% or 0.25", about("--share", parseShare))
    .option(
      "--deadline-in <duration>",
      "when the release should have arrived everywhere; in the last day before it less is kept in reserve",
      about("--deadline-in", parseDurationMs),
    )
    .option("-y, --yes", "do not ask before everyone")
    .action(async (release: string, position: Position, options: Options) => {
      const name = fullName("releases", release);
      const setting = readSetting(position, options);
      if (position === "everyone") {
        await confirmDanger(ports, options.yes === true, `Let every node move to ${release}?`);
      }
      await withCoordinator(ports, options, async ({ rollout, call }) => {
        const deadlineMs = options.deadlineIn === undefined ? undefined : ports.now() + options.deadlineIn;
        const deadline = deadlineMs === undefined ? {} : { deadlineTime: timestampFromMs(deadlineMs) };
        const wanted = { release: name, setting, ...deadline };
        const answer = await rollout.setDial({ dial: wanted, requestId: ports.randomId() }, call);
        const dial = present(answer.dial, "dial");
        print(ports, options.output, {
          json: messageJson(SetDialResponseSchema, answer),
          table: (style) => dialDetail(dial, style, ports.now()),
        });
      });
    });
}
