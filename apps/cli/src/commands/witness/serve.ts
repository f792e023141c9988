/** `moult witness serve`: a witness, until Ctrl-C. */
import type { Command } from "commander";
import { readVkey } from "../../audit/options.ts";
import { CliError, usageError } from "../../errors.ts";
import { printable } from "../../output/text.ts";
import type { Ports } from "../../ports.ts";
import { type OutputOptions, addVerb, repeatable } from "../../verb.ts";
import { openWitnessMemory } from "../../witness/memory.ts";
import { startWitness } from "../../witness/server.ts";
import { readPrivateKey } from "../key/private-key.ts";
import { witnessKey } from "./key.ts";
import type { WitnessAnswer } from "@moult/trust/audit";

interface Options extends OutputOptions {
  readonly name: string;
  readonly key: string;
  readonly log: readonly string[];
  readonly memory: string;
  readonly listen: string;
}

const ADDRESS = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9._-]{1,255})):(\d{1,5})$/;
const PORT_MAX = 65_535;

/** Adds the verb. */
export function addWitnessServe(parent: Command, ports: Ports): void {
  addVerb(parent, {
    usage: "serve",
    summary: "Cosign the checkpoints of logs that only grow, until Ctrl-C",
    detail:
      "Speaks C2SP tlog-witness over plain HTTP; everything in it is signed. Keeps the last tree of each log in a file, and " +
      "writes it before it answers: keep that file, a witness that forgot is none. Writes a line for each answer; with " +
      "-o json each line is one JSON object. OTHER_ROOT and UNPROVEN are how a log looks that showed two histories.",
    examples: [
      "moult witness serve --name witness.example/alice --key alice.key --log log.vkey --memory seen.db --listen 0.0.0.0:7500",
    ],
  })
    .requiredOption("--name <name>", "the witness's name, as in `moult witness key`")
    .requiredOption("--key <file>", "its private key, as `moult key generate` makes it")
    .addOption(repeatable("--log <vkey>", "key of a log to witness, or a file that holds it"))
    .requiredOption("--memory <file>", "what it has seen; made where it is not there")
    .option("--listen <host:port>", "where to listen; port 0 takes any that is free", "127.0.0.1:0")
    .action(async (options: Options) => {
      const { host, port } = parseAddress(options.listen);
      const privateKey = readPrivateKey(options.key, ports);
      const { name } = witnessKey(options.name, privateKey);
      const logs = options.log.map((text) => readVkey(text, "note", "--log"));
      if (logs.length === 0) throw usageError("Which logs?", "Give the key of at least one: --log VKEY.");
      const write = (facts: Record<string, unknown>, line: string): void => {
        ports.stdout.write(options.output === "table" ? `${printable(line)}\n` : `${JSON.stringify(facts)}\n`);
      };
      const onAnswer = (answer: WitnessAnswer): void => {
        const seen = "checkpoint" in answer ? { origin: answer.checkpoint.origin, size: answer.checkpoint.size } : {};
        const what = "origin" in seen ? ` ${seen.origin} at ${seen.size}` : "";
        write({ answer: answer.kind, ...seen }, `${answer.kind}${what}`);
      };
      const onFailure = (error: unknown): void => {
        ports.stderr.write(`warning: a request was not answered: ${printable((error as Error).message)}\n`);
      };
      const memory = openWitnessMemory(options.memory);
      try {
        const signal = ports.interrupted();
        const parts = { name, privateKey, logs, memory, now: ports.now, onAnswer, onFailure };
        const running = await startWitness(parts, host, port).catch((cause: unknown) => {
          throw new CliError("USAGE", `--listen: cannot listen on ${options.listen}: ${(cause as Error).message}`, {
            cause,
          });
        });
        write({ serving: running.url, name, logs: logs.map((log) => log.name) }, `serving ${running.url}`);
        if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        await running.stop();
      } finally {
        memory.close();
      }
    });
}

function parseAddress(text: string): { readonly host: string; readonly port: number } {
  const [, six, host = six, digits] = ADDRESS.exec(text) ?? [];
  const port = Number(digits ?? Number.NaN);
  if (host !== undefined && port <= PORT_MAX) return { host, port };
  throw usageError(`--listen: "${text}" is not an address.`, "Write it as in 127.0.0.1:7500.");
}
