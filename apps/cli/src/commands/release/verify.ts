/** `moult release verify`: what a device will say of a build, said here. */
import { type Council, TrustError, parseCouncil } from "@moult/trust";
import type { Command } from "commander";
import { YAMLParseError, parse } from "yaml";
import { verifyBuild } from "../../build/verify-build.ts";
import { usageError } from "../../errors.ts";
import { readBounded } from "../../files.ts";
import { print } from "../../output/print.ts";
import { progressLine } from "../../output/progress.ts";
import { renderPairs } from "../../output/table.ts";
import type { Ports } from "../../ports.ts";
import { type OutputOptions, addVerb } from "../../verb.ts";

/** 64 keys take some 5 kB. */
const COUNCIL_BYTES_MAX = 65_536;

interface Options extends OutputOptions {
  readonly council: string;
}

/** Adds the verb. */
export function addReleaseVerify(parent: Command, ports: Ports): void {
  addVerb(parent, {
    usage: "verify <dir>",
    summary: "Verify a build's signatures and parts",
    detail:
      "Checks, as each device does, that the council's quorum signed the manifest, and that every part is what the manifest " +
      "says. The council's file is YAML or JSON with `threshold` and `keys`. Exit code 6 where anything is not as it must be.",
    examples: ["moult release verify build/2.0.0 --council council.yaml"],
  })
    .requiredOption("--council <file>", "the council: threshold and public keys")
    .action(async (dir: string, options: Options) => {
      const council = readCouncilFile(options.council);
      const progress = progressLine(ports);
      const { digest, manifest, signedBy } = await verifyBuild(dir, council, progress.show).finally(progress.clear);
      print(ports, options.output, {
        json: {
          dir,
          digest,
          network: manifest.network,
          version: manifest.version,
          releaseCounter: manifest.release_counter,
          platform: { ...manifest.platform },
          signedBy: [...signedBy],
          threshold: council.threshold,
        },
        table: (style) =>
          renderPairs(
            [
              ["verified", { text: `${signedBy.length} signatures, ${council.threshold} needed`, tone: "good" }],
              ["digest", digest],
              ["network", manifest.network],
              ["version", `${manifest.version} (counter ${manifest.release_counter})`],
              ["platform", `${manifest.platform.os}-${manifest.platform.arch}`],
              ["parts", `${manifest.parts.length}, all as the manifest says`],
              ...signedBy.map((id, index) => [index === 0 ? "signed by" : "", id] as const),
            ],
            style,
          ),
      });
    });
}

function readCouncilFile(path: string): Council {
  const text = new TextDecoder().decode(readBounded(path, COUNCIL_BYTES_MAX));
  try {
    return parseCouncil(parse(text));
  } catch (error) {
    if (error instanceof TrustError) throw usageError(`${path}: ${error.message}`);
    if (error instanceof YAMLParseError) throw usageError(`${path} is not YAML: ${error.message.split("\n")[0]}`);
    throw error;
  }
}
