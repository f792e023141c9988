/** `moult release allow`: the next allowlist, for the council to sign. */
import { allowedBuildOf, allowlistIn, initAllowlist, nextAllowlist } from "@moult/trust/tuf";
import type { AllowedBuild, Allowlist, CohortBound } from "@moult/trust/tuf";
import { isDigest } from "@moult/trust";
import type { Command } from "commander";
import { wholeNumber } from "../../arguments/numbers.ts";
import { readManifest, readUnsignedBuild } from "../../build/build-dir.ts";
import { checkOneRelease } from "../../build/publish-build.ts";
import { parseCohort } from "../../ceremony/cohort.ts";
import { type MetadataFile, chosen, readMetadata, writeMetadata } from "../../ceremony/files.ts";
import { addOutput, lifetime } from "../../ceremony/options.ts";
import { fileAnswer } from "../../ceremony/progress.ts";
import { summaryLines } from "../../ceremony/review.ts";
import { usageError } from "../../errors.ts";
import { print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type OutputOptions, about, addVerb, repeatable } from "../../verb.ts";

interface Options extends OutputOptions {
  readonly from?: string;
  readonly network?: string;
  readonly recall: readonly string[];
  readonly liftBrake: readonly string[];
  readonly forgetLifted?: boolean;
  readonly cohort?: string;
  readonly rollback: readonly string[];
  readonly counter?: number;
  /** Milliseconds. */
  readonly for: number;
  readonly out: string;
  readonly force?: boolean;
}

/** Adds the verb. */
export function addReleaseAllow(parent: Command, ports: Ports): void {
  const verb = addVerb(parent, {
    usage: "allow [dir...]",
    summary: "Make the next allowlist from the one that holds, unsigned",
    detail:
      "Takes the folder of each platform's build of one release, and leaves the rest of the list as it was. Without a folder " +
      "the list is only recalled from, lifted in, or prolonged. Council members then sign it apart from each other: moult " +
      "release sign. Nothing is allowed by this.\n\n" +
      "A cohort bound says how much of the fleet may move from when on, at most; devices work it out by themselves. An old " +
      "build under a new --counter is the way back.",
    examples: [
      "moult release allow build/1.0.0 --out 1.targets.json",
      "moult release allow build/2.0.0 --from 1.targets.json --cohort 1%@now,100%@+3d --out 2.targets.json",
      "moult release allow --from 2.targets.json --recall DIGEST --out 3.targets.json",
    ],
  })
    .option("--from <file>", "the allowlist that is published; none for the first one")
    .option("--network <id>", "the network, where neither --from nor a build says")
    .addOption(repeatable("--recall <digest>", "a build to take off the list"))
    .addOption(
      repeatable("--lift-brake <digest>", "a signed brake to lift, by the digest that `moult brake status` shows"),
    )
    .option("--forget-lifted", "leave out brakes that were lifted before; none holds for more than 7 days")
    .option(
      "--cohort <share@time,...>",
      "how much of the fleet may move, from when on; everybody at once where not given",
    )
    .addOption(
      repeatable("--rollback <digest>", "the build to go back to, one for each platform", "nothing to go back to"),
    )
    .option(
      "--counter <n>",
      "counter instead of the manifest's; it alone decides what is newer",
      about("--counter", wholeNumber(1, Number.MAX_SAFE_INTEGER)),
    )
    .addOption(lifetime("how long the list counts; prolong it before", "90d"));
  addOutput(verb, "new file for the list").action((dirs: readonly string[], options: Options) => {
    const from = options.from === undefined ? undefined : readMetadata(options.from, "targets");
    const before = from === undefined ? undefined : allowlistIn(from.bytes);
    const file = makeList(ports, dirs, options, from, before);
    const lines = summaryLines(file, from);
    print(ports, options.output, fileAnswer(file, undefined, { json: { summary: [...lines] }, lines }));
  });
}

function makeList(
  ports: Ports,
  dirs: readonly string[],
  options: Options,
  from: MetadataFile | undefined,
  before: Allowlist | undefined,
): MetadataFile {
  const builds = dirs.map(readUnsignedBuild);
  if (builds.length > 0) checkOneRelease(builds);
  const network = before?.network ?? options.network ?? builds[0]?.manifest.network;
  if (network === undefined)
    throw usageError("Of which network?", "Give --from FILE, --network ID, or a build's folder.");
  const other = builds.find(({ manifest }) => manifest.network !== network);
  if (other !== undefined) throw usageError(`${other.dir} is a build for ${other.manifest.network}, not ${network}.`);
  for (const digest of options.recall) {
    if (before?.builds.has(digest) !== true) throw usageError(`--recall: ${digest} is not on the list.`);
  }
  if (!options.liftBrake.every((digest) => isDigest(digest))) {
    throw usageError(`--lift-brake: "${options.liftBrake.join(" ")}" is no digest.`);
  }
  // One release, one seed: its platforms take turns together.
  const cohort =
    options.cohort === undefined ? undefined : parseCohort(options.cohort, ports.randomSeed(), ports.now());
  const add = dirs.map((dir) => entryOf(dir, options, before, cohort));
  requireUsed(options.rollback, add);
  const lifted = options.forgetLifted === true ? [] : (before?.liftedBrakes ?? []);
  const change = {
    expiresMs: ports.now() + options.for,
    add,
    recall: options.recall,
    liftedBrakes: [...new Set([...lifted, ...options.liftBrake])],
  };
  const list = chosen(() => (from === undefined ? initAllowlist(network, change) : nextAllowlist(from.bytes, change)));
  writeMetadata(options.out, list, options.force === true);
  return readMetadata(options.out, "targets");
}

function entryOf(
  dir: string,
  options: Options,
  before: Allowlist | undefined,
  cohort: CohortBound | undefined,
): AllowedBuild {
  const { counter } = options;
  const entry = allowedBuildOf(readManifest(dir), counter === undefined ? {} : { releaseCounter: counter });
  const rollback = options.rollback.find((digest) => {
    const build = before?.builds.get(digest);
    if (build === undefined || options.recall.includes(digest)) {
      throw usageError(`--rollback: ${digest} is not on the list, so nobody could go back to it.`);
    }
    return build.platform.os === entry.platform.os && build.platform.arch === entry.platform.arch;
  });
  return {
    ...entry,
    ...(cohort === undefined ? {} : { cohort }),
    ...(rollback === undefined ? {} : { rollback }),
  };
}

function requireUsed(rollbacks: readonly string[], added: readonly AllowedBuild[]): void {
  const unused = rollbacks.find((digest) => !added.some((build) => build.rollback === digest));
  if (unused !== undefined) throw usageError(`--rollback: ${unused} is for none of these platforms.`);
}
