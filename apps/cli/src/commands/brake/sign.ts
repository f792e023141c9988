/** `moult brake sign`: a breaker's word, in a file that any channel may carry. */
import { StatementPayloadError, readBrakeStatement, writeBrakeStatement } from "@moult/contracts";
import { derivePublicKey, formatPublicKey } from "@moult/trust";
import { LIFETIME_MAX_MS, signStatement, verifyStatement } from "@moult/trust/statement";
import type { Command } from "commander";
import { parseDurationS } from "../../arguments/duration.ts";
import { usageError } from "../../errors.ts";
import { exists, replaceFile, writeNew } from "../../files.ts";
import { print } from "../../output/print.ts";
import { renderPairs } from "../../output/table.ts";
import type { Ports } from "../../ports.ts";
import { type OutputOptions, about, addVerb } from "../../verb.ts";
import { readPrivateKey } from "../key/private-key.ts";

const LIFETIME_MAX_S = LIFETIME_MAX_MS.brake / 1000;

interface Options extends OutputOptions {
  readonly key: string;
  readonly network: string;
  readonly reason: string;
  /** Seconds. */
  readonly for: number;
  readonly out: string;
  readonly force?: boolean;
}

/** Adds the verb. */
export function addBrakeSign(parent: Command, ports: Ports): void {
  addVerb(parent, {
    usage: "sign",
    summary: "Sign a brake that every device checks by itself",
    detail:
      "No device of the network begins a move while it holds, whoever steers the rollout. It ends by itself, when the council " +
      "lifts it (moult release allow --lift-brake), or when the root drops the breaker; a breaker cannot end it. Needs no " +
      "network. Hand it in with moult brake submit, at as many coordinators as there are.",
    examples: [
      'moult brake sign --key breaker.key --network example --reason "2.0.0 loses data" --for 24h --out brake.json',
    ],
  })
    .requiredOption("--key <file>", "the breaker's private key")
    .requiredOption("--network <id>", "the network it holds for")
    .requiredOption("--reason <text>", "why; 1 to 512 characters")
    .requiredOption(
      "--for <duration>",
      "how long it holds, at most 7d",
      about("--for", (text) => parseDurationS(text, LIFETIME_MAX_S)),
    )
    .requiredOption("--out <file>", "new file for the brake")
    .option("--force", "replace a file that is there")
    .action((options: Options) => {
      const privateKey = readPrivateKey(options.key, ports);
      const breaker = formatPublicKey(derivePublicKey(privateKey));
      const { network, reason } = options;
      const issuedMs = ports.now();
      const expiresMs = issuedMs + options.for * 1000;
      const payload = writeBrakeStatement({ network, issuedMs, expiresMs, body: { reason } });
      requireSound(() => readBrakeStatement(payload));
      const statement = signStatement("brake", { payload }, privateKey);
      // What is handed in is what would count, for somebody who knows this breaker.
      const { digest } = verifyStatement(statement, {
        kind: "brake",
        network,
        keys: [breaker],
        threshold: 1,
        read: readBrakeStatement,
        nowMs: issuedMs,
      });
      if (options.force === true) replaceFile(options.out, statement);
      else if (exists(options.out))
        throw usageError(`${options.out}: it exists already`, "Choose another --out, or --force.");
      else writeNew(options.out, statement, 0o644);
      const expires = new Date(expiresMs).toISOString();
      print(ports, options.output, {
        json: { file: options.out, digest, network, reason, expires, breaker },
        table: (style) =>
          renderPairs(
            [
              ["file", options.out],
              ["digest", digest],
              ["network", network],
              ["ends", expires],
              ["breaker", breaker],
            ],
            style,
          ),
      });
    });
}

function requireSound(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (error instanceof StatementPayloadError) throw usageError(`This is no brake: ${error.message}.`);
    throw error;
  }
}
