/** `moult release list`: all releases, highest counter first. */
import { type ListReleasesResponse, ListReleasesResponseSchema, type Release } from "@moult/contracts/v1";
import type { Command } from "commander";
import { withCoordinator } from "../../connection/coordinator.ts";
import { allPages } from "../../connection/pages.ts";
import { messageJson, print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, addCall } from "../../verb.ts";
import { releaseTable } from "../../views/release.ts";
import { create } from "@bufbuild/protobuf";

/** Adds the verb. */
export function addReleaseList(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "list",
    summary: "List releases, highest counter first",
    examples: ["moult release list", "moult release list -o json"],
  }).action(async (options: CallOptions) => {
    await withCoordinator(ports, options, async ({ releases, call }) => {
      const all = await allPages<ListReleasesResponse, Release>(
        (page) => releases.listReleases(page, call),
        (answer) => answer.releases,
      );
      print(ports, options.output, {
        json: messageJson(ListReleasesResponseSchema, create(ListReleasesResponseSchema, { releases: all })),
        table: (style) => releaseTable(all, style, ports.now()),
      });
    });
  });
}
