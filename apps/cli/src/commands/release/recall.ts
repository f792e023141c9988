/** `moult release recall`: takes a release off the allowlist. */
import { RecallReleaseResponseSchema } from "@moult/contracts/v1";
import type { Command } from "commander";
import { fullName } from "../../arguments/names.ts";
import { present, withCoordinator } from "../../connection/coordinator.ts";
import { messageJson, print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, addCall } from "../../verb.ts";
import { releaseDetail } from "../../views/release.ts";

interface Options extends CallOptions {
  readonly reason: string;
}

/** Adds the verb. */
export function addReleaseRecall(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "recall <release>",
    summary: "Take a release off the allowlist, so that no node moves to it any more",
    detail: "Nodes that run it stay on it. Repeating it changes nothing.",
    examples: ['moult release recall 2.0.0 --reason "loses uploads over 2 GB"'],
  })
    .requiredOption("--reason <text>", "why; 1 to 512 characters")
    .action(async (release: string, options: Options) => {
      const name = fullName("releases", release);
      await withCoordinator(ports, options, async ({ releases, call }) => {
        const answer = await releases.recallRelease({ name, reason: options.reason }, call);
        const recalled = present(answer.release, "release");
        print(ports, options.output, {
          json: messageJson(RecallReleaseResponseSchema, answer),
          table: (style) => releaseDetail(recalled, style, ports.now()),
        });
      });
    });
}
