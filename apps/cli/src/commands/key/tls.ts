/** `moult key tls`: a TLS key for a coordinator, to be kept offline until it is needed. */
import { generateKeyPairSync } from "node:crypto";
import type { Command } from "commander";
import { pinOf } from "../../ceremony/public-key.ts";
import { writeNew } from "../../files.ts";
import { print } from "../../output/print.ts";
import { renderPairs } from "../../output/table.ts";
import type { Ports } from "../../ports.ts";
import { type OutputOptions, addVerb } from "../../verb.ts";

/** Read and write for the owner, nothing for others. */
const KEY_FILE_MODE = 0o600;

interface Options extends OutputOptions {
  readonly out: string;
}

/** Adds the verb. */
export function addKeyTls(parent: Command, ports: Ports): void {
  addVerb(parent, {
    usage: "tls",
    summary: "Make a spare TLS key for a coordinator, and show its pin",
    detail:
      "Writes a P-256 key to a new file (PKCS #8 PEM, mode 0600). Keep it offline: it is what the coordinator goes on with where " +
      "its own key was lost or stolen, and devices accept it because the root names its pin.",
    examples: ["moult key tls --out spare-tls.key"],
  })
    .requiredOption("--out <file>", "new file for the private key")
    .action((options: Options) => {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const pem = privateKey.export({ type: "pkcs8", format: "pem" });
      writeNew(options.out, new TextEncoder().encode(pem), KEY_FILE_MODE);
      const pin = pinOf(options.out, pem);
      print(ports, options.output, {
        json: { pin, file: options.out },
        table: (style) =>
          renderPairs(
            [
              ["pin", pin],
              ["file", options.out],
            ],
            style,
          ),
      });
    });
}
