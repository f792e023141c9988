/** `moult metadata status`: what is published, and until when devices believe it. */
import { GetMetadataStatusResponseSchema } from "@moult/contracts/v1";
import { refreshNetwork } from "@moult/trust/tuf";
import type { Command } from "commander";
import { rootOption, rootPaths } from "../../ceremony/options.ts";
import { readRoots } from "../../ceremony/roots.ts";
import { withCoordinator } from "../../connection/coordinator.ts";
import { messageJson, print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { coordinatorSource } from "../../publisher/coordinator-source.ts";
import { openMemory } from "../../publisher/memory.ts";
import { type CallOptions, addCall } from "../../verb.ts";
import { metadataDetail } from "../../views/metadata.ts";

interface Options extends CallOptions {
  readonly root: readonly string[];
}

/** Adds the verb. */
export function addMetadataStatus(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "status",
    summary: "Show what is published, until when it counts, and which signed brakes hold",
    detail:
      "This is the coordinator's word. With --root everything is fetched and verified here too, as a device would; exit code 6 " +
      "where a device would refuse it.",
    examples: ["moult metadata status", "moult metadata status --root root.json -o json"],
  })
    .addOption(rootOption())
    .action(async (options: Options) => {
      const paths = rootPaths(options.root, ports.env);
      const roots = paths.length === 0 ? undefined : readRoots(paths);
      await withCoordinator(ports, options, async (coordinator) => {
        const status = await coordinator.metadata.getMetadataStatus({}, coordinator.call);
        if (roots !== undefined) {
          const store = openMemory(roots.newest.bytes, undefined);
          await refreshNetwork({ source: coordinatorSource(coordinator), store }, ports.now());
        }
        print(ports, options.output, {
          json: messageJson(GetMetadataStatusResponseSchema, status),
          table: (style) => metadataDetail(status, style, ports.now(), roots !== undefined),
        });
      });
    });
}
