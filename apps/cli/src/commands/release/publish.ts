/** `moult release publish`: uploads what is missing and makes the release known. The dial still stands at nobody. */
import { PublishReleaseResponseSchema } from "@moult/contracts/v1";
import type { Command } from "commander";
import { type UnverifiedBuild, readBuildToSend, readUnsignedBuild } from "../../build/build-dir.ts";
import { type DeltaOptions, makeDeltas } from "../../build/deltas.ts";
import { checkOneRelease, uploadDeltas, uploadParts } from "../../build/publish-build.ts";
import { openArtifacts } from "../../connection/artifacts.ts";
import { present, withCoordinator } from "../../connection/coordinator.ts";
import { usageError } from "../../errors.ts";
import { messageJson, print } from "../../output/print.ts";
import { progressLine } from "../../output/progress.ts";
import { formatBytes } from "../../output/text.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, addCall, repeatable } from "../../verb.ts";
import { releaseDetail } from "../../views/release.ts";

interface Options extends CallOptions {
  readonly from: readonly string[];
}

/** Adds the verb. */
export function addReleasePublish(parent: Command, ports: Ports): void {
  const verb = addCall(parent, {
    usage: "publish <dir...>",
    summary: "Upload a release that is on the allowlist, and make it known",
    detail:
      "Takes the folder of each platform's build; every one must be on the published allowlist (moult release allow, then moult " +
      "metadata publish). Parts that the coordinator has already are not uploaded again. No node " +
      "moves by this: the dial of a new release stands at nobody. Repeating it changes nothing.\n\n" +
      "What `moult release delta` left in the folders goes up too. With --from, the deltas from these builds are made " +
      "first; parts of up to 8 MiB are packed in any case.",
    examples: [
      "moult release publish build/2.0.0 build/2.0.0-arm64 --state-dir ./state",
      "moult release publish build/2.0.0 --from build/1.9.0 --state-dir ./state",
    ],
  });
  verb.addOption(repeatable("--from <dir>", "a build that devices run now, to make deltas from", "make no deltas"));
  verb.action(async (dirs: readonly string[], options: Options) => {
    const builds = dirs.map(readBuildToSend);
    checkOneRelease(builds);
    const from = options.from.map(readUnsignedBuild);
    await withCoordinator(ports, options, async ({ releases, call, settings }) => {
      const { artifactsUrl } = settings;
      if (artifactsUrl === undefined) throw usageError("Upload where to?", "Give --artifacts URL, or --state-dir DIR.");
      const endpoint = openArtifacts(artifactsUrl, settings);
      const progress = progressLine(ports);
      const upload = async () => {
        for (const build of builds) await makeDeltas(build, { ...deltasOf(build, from), onProgress: progress.show });
        const parts = await uploadParts(builds, endpoint, progress.show);
        return { parts, deltas: await uploadDeltas(builds, endpoint, progress.show) };
      };
      const { parts, deltas } = await upload().finally(() => {
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
          `${uploaded.length} of ${parts.length} parts uploaded (${formatBytes(uploadedBytes)}), ` +
          `${deltas.filter((delta) => delta.uploaded).length} of ${deltas.length} deltas. The dial stands where it stood; ` +
          `turn it with: moult dial set ${release.version} …\n`,
      });
    });
  });
}

/** Packing these takes no time to speak of; a runtime is packed where it is asked for. */
const PACK_BYTES_MAX = 8_388_608;

function deltasOf(build: UnverifiedBuild, from: readonly UnverifiedBuild[]): Omit<DeltaOptions, "onProgress"> {
  const { os, arch } = build.manifest.platform;
  const same = from.filter(({ manifest: { platform } }) => platform.os === os && platform.arch === arch);
  return { from: same, packBytesMax: PACK_BYTES_MAX };
}
