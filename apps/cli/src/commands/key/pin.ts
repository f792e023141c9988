/** `moult key pin`: by what devices know a coordinator's TLS key. */
import type { Command } from "commander";
import { readPin } from "../../ceremony/public-key.ts";
import { print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type OutputOptions, addVerb } from "../../verb.ts";

/** Adds the verb. */
export function addKeyPin(parent: Command, ports: Ports): void {
  addVerb(parent, {
    usage: "pin <file>",
    summary: "Show by what devices know a coordinator's TLS key",
    detail:
      "The SHA-256 of the key's SubjectPublicKeyInfo, from a PEM file with the certificate or the key. It goes into the root as " +
      "server=PIN, and that of a key kept offline as spare=PIN.",
    examples: ["moult key pin state/tls/server.pem"],
  }).action((file: string, options: OutputOptions) => {
    const pin = readPin(file);
    print(ports, options.output, { json: { pin, file }, table: () => `${pin}\n` });
  });
}
