/** `moult metadata mirror`: static files for a mirror, which a coordinator cannot hide news behind. */
import type { Command } from "commander";
import { rootOption, rootPaths } from "../../ceremony/options.ts";
import { readRoots } from "../../ceremony/roots.ts";
import { withCoordinator } from "../../connection/coordinator.ts";
import { print } from "../../output/print.ts";
import { renderPairs } from "../../output/table.ts";
import type { Ports } from "../../ports.ts";
import { MIRROR_FOLDER, mirror } from "../../publisher/mirror.ts";
import { type CallOptions, addCall, repeatable } from "../../verb.ts";

interface Options extends CallOptions {
  readonly root: readonly string[];
  readonly out: string;
  readonly brake: readonly string[];
}

/** Adds the verb. */
export function addMetadataMirror(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "mirror",
    summary: "Write what is published into a folder that any web server can serve",
    detail:
      `Verifies each file from your own root on, and writes below DIR/${MIRROR_FOLDER}: the timestamp last, each file whole or ` +
      "not at all. Needs no token. Run it every few minutes; a refusal leaves what stands there as it is. What stands there is " +
      "remembered: an older timestamp is refused, and a brake stays until it ends, also where the coordinator hides it.",
    examples: [
      "moult metadata mirror --out /var/www/html --root root.json",
      "moult metadata mirror --out /var/www/html --root root.json --brake brake.json",
    ],
  })
    .addOption(rootOption())
    .requiredOption("--out <dir>", "the folder that is served")
    .addOption(repeatable("--brake <file>", "a signed brake, straight from its breaker"))
    .action(async (options: Options) => {
      const roots = readRoots(rootPaths(options.root, ports.env));
      await withCoordinator(
        ports,
        options,
        async (coordinator) => {
          const { network, names, brakes } = await mirror(coordinator, {
            roots,
            out: options.out,
            brakes: options.brake,
            nowMs: ports.now(),
          });
          const staleFrom = new Date(network.staleFromMs).toISOString();
          print(ports, options.output, {
            json: {
              out: options.out,
              network: network.root.network,
              rootVersion: network.root.version,
              allowlistVersion: network.allowlist.version,
              staleFrom,
              files: [...names],
              brakes: [...brakes],
            },
            table: (style) =>
              renderPairs(
                [
                  ["mirror", options.out],
                  ["files", String(names.length)],
                  ["allowlist", `version ${network.allowlist.version}, ${network.allowlist.builds.size} builds`],
                  ["counts until", staleFrom],
                  ["signed brakes", String(brakes.length)],
                ],
                style,
              ),
          });
        },
        "stranger",
      );
    });
}
