/** `moult release publish`: uploads what is missing and makes the release known. The dial still stands at nobody. */
import { PublishReleaseResponseSchema } from "@moult/contracts/v1";
import type { Command } from "commander";
import { readSignedBuild } from "../../build/build-dir.ts";
import { checkOneRelease, uploadParts } from "../../build/publish-build.ts";
import { openArtifacts } from "../../connection/artifacts.ts";
import { present, withCoordinator } from "../../connection/coordinator.ts";
import { usageError } from "../../errors.ts";
import { messageJson, print } from "../../output/print.ts";
import { progressLine } from "../../output/progress.ts";
import { formatBytes } from "../../output/text.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, addCall } from "../../verb.ts";
import { releaseDetail } from "../../views/release.ts";

/** Adds the verb. */
export function addReleasePublish(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "publish <dir...>",
    summary: "Upload a signed release and make it known",
    detail:
      "Takes the folder of each platform's build. Parts that the coordinator has already are not uploaded again. No node " +
      "moves by this: the dial of a new release stands at nobody. Repeating it changes nothing.",
    examples: ["moult release publish build/2.0.0 build/2.0.0-arm64 --state-dir ./state"],
  }).action(async (dirs: readonly string[], options: CallOptions) => {
    const builds = dirs.map(readSignedBuild);
    checkOneRelease(builds);
    await withCoordinator(ports, options, async ({ releases, call, settings }) => {
      const { artifactsUrl } = settings;
      if (artifactsUrl === undefined) throw usageError("Upload where to?", "Give --artifacts URL, or --state-dir DIR.");
      const endpoint = openArtifacts(artifactsUrl, settings);
      const progress = progressLine(ports);
      const parts = await uploadParts(builds, endpoint, progress.show).finally(() => {
        progress.clear();
        endpoint.close();
      });
      const answer = await releases.publishRelease({ signedManifests: builds.map((build) => build.envelope) }, call);
      const release = present(answer.release, "release");
      const uploaded = parts.filter((part) => part.uploaded);
      const uploadedBytes = uploaded.reduce((sum, part) => sum + part.lengthBytes, 0);
      print(ports, options.output, {
        json: messageJson(PublishReleaseResponseSchema, answer),
        table: (style) =>
          `${releaseDetail(release, style, ports.now())}\n` +
          `${uploaded.length} of ${parts.length} parts uploaded (${formatBytes(uploadedBytes)}). The dial stands where it stood; ` +
          `turn it with: moult dial set ${release.version} …\n`,
      });
    });
  });
}
