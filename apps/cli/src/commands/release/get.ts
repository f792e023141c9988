/** `moult release get`: one release with its builds, their parts and who signed. */
import { GetReleaseResponseSchema } from "@moult/contracts/v1";
import type { Command } from "commander";
import { fullName } from "../../arguments/names.ts";
import { present, withCoordinator } from "../../connection/coordinator.ts";
import { messageJson, print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, addCall } from "../../verb.ts";
import { releaseDetail } from "../../views/release.ts";

/** Adds the verb. */
export function addReleaseGet(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "get <release>",
    summary: "Show one release: its builds, their parts and who signed",
    examples: ["moult release get 2.0.0"],
  }).action(async (release: string, options: CallOptions) => {
    const name = fullName("releases", release);
    await withCoordinator(ports, options, async ({ releases, call }) => {
      const answer = await releases.getRelease({ name }, call);
      const found = present(answer.release, "release");
      print(ports, options.output, {
        json: messageJson(GetReleaseResponseSchema, answer),
        table: (style) => releaseDetail(found, style, ports.now()),
      });
    });
  });
}
