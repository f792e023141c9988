/** `moult operator cert`: makes a key with a certificate that is its own authority, and says under what it is known. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { parseDurationS } from "../../arguments/duration.ts";
import { makeCertificate } from "../../connection/own-certificate.ts";
import { usageError } from "../../errors.ts";
import { writeNew } from "../../files.ts";
import { print } from "../../output/print.ts";
import { renderPairs } from "../../output/table.ts";
import type { Ports } from "../../ports.ts";
import { type OutputOptions, about, addVerb } from "../../verb.ts";

/** As in the table of operators. */
const NAME = /^[a-z0-9]([a-z0-9._@-]{0,62}[a-z0-9])?$/;
const LIFE_DEFAULT = "365d";
/** Two years: whoever left should not have a key for ever. */
const LIFE_S_MAX = 63_072_000;
/** For its owner alone. */
const FOLDER_MODE = 0o700;
const KEY_MODE = 0o600;
const CERTIFICATE_MODE = 0o644;

interface Options extends OutputOptions {
  readonly name: string;
  readonly out: string;
  /** Seconds. */
  readonly for?: number;
}

/** Adds the verb. */
export function addOperatorCert(parent: Command, ports: Ports): void {
  addVerb(parent, {
    usage: "cert",
    summary: "Make an operator's key and certificate",
    detail:
      "Writes NAME.key (P-256, mode 0600) and NAME.pem, a certificate that is its own authority, and prints the SHA-256 of the " +
      "public key. Who keeps the coordinator puts that into operators.yaml as certificate_spki_sha256. Files that are there " +
      "are never replaced.",
    examples: ["moult operator cert --name alice --out ./alice"],
  })
    .requiredOption("--name <name>", "the operator's name in the table")
    .requiredOption("--out <dir>", "folder for the two files; made where it is not there")
    .option(
      "--for <duration>",
      `how long the certificate holds; ${LIFE_DEFAULT} by default`,
      about("--for", (text) => parseDurationS(text, LIFE_S_MAX)),
    )
    .action(async (options: Options) => {
      const { name, out } = options;
      if (!NAME.test(name)) throw usageError(`"${name}" is no operator's name.`, "Write 1 to 64 of a-z, 0-9 and ._@-");
      const lifeS = options.for ?? parseDurationS(LIFE_DEFAULT, LIFE_S_MAX);
      const made = await makeCertificate({ name, nowMs: ports.now(), lifeMs: lifeS * 1000 });
      const [keyFile, certFile] = [join(out, `${name}.key`), join(out, `${name}.pem`)];
      mkdirSync(out, { recursive: true, mode: FOLDER_MODE });
      writeNew(keyFile, new TextEncoder().encode(made.keyPem), KEY_MODE);
      writeNew(certFile, new TextEncoder().encode(made.certificatePem), CERTIFICATE_MODE);
      const ends = new Date(made.notAfterMs).toISOString();
      print(ports, options.output, {
        json: { name, cert: certFile, key: keyFile, certificateSpkiSha256: made.spkiSha256, notAfter: ends },
        table: (style) =>
          renderPairs(
            [
              ["certificate", certFile],
              ["key", keyFile],
              ["certificate_spki_sha256", made.spkiSha256],
              ["holds until", ends],
            ],
            style,
          ),
      });
    });
}
