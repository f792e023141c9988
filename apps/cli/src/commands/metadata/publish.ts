/** `moult metadata publish`: makes an allowlist, a new root, or both the ones that hold. */
import { PublishMetadataResponseSchema } from "@moult/contracts/v1";
import type { Command } from "commander";
import { readMetadata } from "../../ceremony/files.ts";
import { present, withCoordinator } from "../../connection/coordinator.ts";
import { messageJson, print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { publishOnce } from "../../publisher/publish-once.ts";
import { addCall } from "../../verb.ts";
import { metadataDetail } from "../../views/metadata.ts";
import { type PublisherOptions, addPublisherOptions, readBrakes, readTrust, readWish } from "./publisher-options.ts";

interface Options extends PublisherOptions {
  readonly allowlist?: string;
}

/** Adds the verb. */
export function addMetadataPublish(parent: Command, ports: Ports): void {
  const verb = addCall(parent, {
    usage: "publish",
    summary: "Publish an allowlist that the council signed, and new roots",
    detail:
      "Verifies what is published from your own root on, signs a snapshot and a timestamp for the list, and hands everything " +
      "in; roots that the coordinator does not have go along. Without --allowlist the published list goes out again; after a " +
      "rotation of the publisher's key give it, so that no coordinator can offer an old one. " +
      "The timestamp names each signed brake that holds; one that the coordinator may hide, give with --brake. With " +
      "--state-dir the token is publisher.token. Repeating it publishes a fresh timestamp.",
    examples: [
      "moult metadata publish --allowlist 2.targets.json --key publisher.key --root root.json",
      "moult metadata publish --allowlist 2.targets.json --key new-publisher.key --root root.json --root 2.root.json",
    ],
  }).option("--allowlist <file>", "the list, with the council's signatures");
  addPublisherOptions(verb).action(async (options: Options) => {
    const trust = readTrust(options, ports.env);
    const wish = readWish(options, ports);
    const brakes = readBrakes(options);
    const allowlist = options.allowlist === undefined ? undefined : readMetadata(options.allowlist, "targets").bytes;
    await withCoordinator(
      ports,
      options,
      async (coordinator) => {
        const nowMs = ports.now();
        const published = await publishOnce(
          coordinator,
          { ...trust, mayBeginAnew: true },
          { ...wish, allowlist, brakes, nowMs },
        );
        const { answer, anew } = present(published, "publication");
        if (anew) {
          ports.stderr.write(
            "warning: what was published is not by this root's publisher; versions begin at 1 again\n",
          );
        }
        const status = present(answer.status, "status");
        print(ports, options.output, {
          json: messageJson(PublishMetadataResponseSchema, answer),
          table: (style) => metadataDetail(status, style, ports.now()),
        });
      },
      "publisher.token",
    );
  });
}
