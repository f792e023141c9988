/** `moult release sign`: a council member's approval, or several brought together. */
import { ENVELOPE_BYTES_MAX } from "@moult/trust";
import type { Command } from "commander";
import { signBuild } from "../../build/sign-build.ts";
import { usageError } from "../../errors.ts";
import { readBounded } from "../../files.ts";
import { print } from "../../output/print.ts";
import { renderPairs } from "../../output/table.ts";
import type { Ports } from "../../ports.ts";
import { type OutputOptions, addVerb, repeatable } from "../../verb.ts";
import { readPrivateKey } from "../key/private-key.ts";

interface Options extends OutputOptions {
  readonly key?: string;
  readonly signed: readonly string[];
}

/** Adds the verb. */
export function addReleaseSign(parent: Command, ports: Ports): void {
  addVerb(parent, {
    usage: "sign <dir>",
    summary: "Sign a build, or bring signatures together",
    detail:
      "Adds a signature to DIR/signed.json. Members may sign apart: DIR/manifest.json is all they need, and --signed takes " +
      "in the signed.json that each of them sends back. Signing twice changes nothing. Signing is approval: look at what " +
      "you sign.",
    examples: [
      "moult release sign build/2.0.0 --key alice.key",
      "moult release sign build/2.0.0 --signed from-alice.json --signed from-bob.json",
    ],
  })
    .option("--key <file>", "your private key")
    .addOption(repeatable("--signed <file>", "a signed.json of the same build to take signatures from"))
    .action((dir: string, options: Options) => {
      const { key, signed } = options;
      if (key === undefined && signed.length === 0)
        throw usageError("Sign with what?", "Give --key FILE or --signed FILE.");
      const result = signBuild(dir, {
        privateKey: key === undefined ? undefined : readPrivateKey(key, ports),
        others: signed.map((path) => ({ path, envelope: readBounded(path, ENVELOPE_BYTES_MAX) })),
      });
      print(ports, options.output, {
        json: { dir, digest: result.digest, signatures: [...result.keyIds] },
        table: (style) =>
          renderPairs(
            [
              ["digest", result.digest],
              ...result.keyIds.map((id, index) => [index === 0 ? "signed by" : "", id] as const),
            ],
            style,
          ),
      });
    });
}
