/** `moult override create`: opens gate 3 for a pool or some of its nodes. */
import { StatementPayloadError, readOverrideStatement, writeOverrideStatement } from "@moult/contracts";
import { CreateOverrideResponseSchema } from "@moult/contracts/v1";
import { signStatement } from "@moult/trust/statement";
import type { Command } from "commander";
import { parseDurationS } from "../../arguments/duration.ts";
import { fullName, idOf } from "../../arguments/names.ts";
import { positiveNumber } from "../../arguments/numbers.ts";
import { present, withCoordinator } from "../../connection/coordinator.ts";
import { usageError } from "../../errors.ts";
import { confirmDanger } from "../../output/confirm.ts";
import { messageJson, print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, about, addCall, repeatable } from "../../verb.ts";
import { overrideTable } from "../../views/override.ts";
import { readPrivateKey } from "../key/private-key.ts";

/** A day, as the contract allows. */
const TTL_S_MAX = 86_400;

interface Options extends CallOptions {
  readonly pool: string;
  readonly reason: string;
  readonly deficitRps: number;
  /** Seconds. */
  readonly for: number;
  readonly node: readonly string[];
  readonly allowShardAndDomain?: boolean;
  readonly key?: string;
  readonly network?: string;
  readonly yes?: boolean;
}

/** Adds the verb. */
export function addOverrideCreate(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "create",
    summary: "Open the capacity gate of a pool for a time",
    detail:
      "Nodes may then leave although the rest of the pool cannot carry the work: requests may fail. It opens no other gate, " +
      "is bounded by the deficit, and ends by itself. You sign it with your own key, which the coordinator's table of operators " +
      "names; it is written to the audit log with your reason and your signature.",
    examples: [
      'moult override create --pool home --reason "leak in 1.9 is worse than a slow evening" --deficit-rps 40 --for 10m --key operator.key --network example',
    ],
  })
    .requiredOption("--pool <id>", "pool it holds for")
    .requiredOption("--reason <text>", "why; 1 to 512 characters")
    .requiredOption(
      "--deficit-rps <n>",
      "how far capacity may fall below what the gate wants",
      about("--deficit-rps", positiveNumber),
    )
    .requiredOption(
      "--for <duration>",
      "how long it holds, at most 24h",
      about("--for", (text) => parseDurationS(text, TTL_S_MAX)),
    )
    .addOption(repeatable("--node <id>", "a node it holds for", "all of the pool"))
    .option("--allow-shard-and-domain", "also let a shard fall below its minimum and a domain above its cap")
    .option("--key <file>", "your private key, to sign with")
    .option("--network <id>", "the network it holds for; needed with --key [MOULT_NETWORK]")
    .option("-y, --yes", "do not ask")
    .action(async (options: Options) => {
      const pool = fullName("pools", options.pool);
      const nodes = options.node.map((node) => fullName("nodes", node));
      await confirmDanger(
        ports,
        options.yes === true,
        `Let pool ${options.pool} fall up to ${options.deficitRps} rps below what it needs? Requests may fail.`,
      );
      await withCoordinator(ports, options, async ({ rollout, call }) => {
        const { reason, deficitRps: deficitMaxRps } = options;
        const allowShardAndDomain = options.allowShardAndDomain === true;
        const override = { pool, nodes, reason, deficitMaxRps, allowShardAndDomain };
        const statement = signed(ports, options, override);
        const request = { override, ttlS: options.for, requestId: ports.randomId(), ...statement };
        const answer = await rollout.createOverride(request, call);
        const made = present(answer.override, "override");
        print(ports, options.output, {
          json: messageJson(CreateOverrideResponseSchema, answer),
          table: (style) => overrideTable([made], style, ports.now()),
        });
      });
    });
}

/** The operator's signed word, which says the same as the request; none without a key. */
function signed(
  ports: Ports,
  { key, network = ports.env["MOULT_NETWORK"], for: ttlS }: Options,
  override: {
    readonly pool: string;
    readonly nodes: readonly string[];
    readonly reason: string;
    readonly deficitMaxRps: number;
    readonly allowShardAndDomain: boolean;
  },
): { readonly statement?: Uint8Array } {
  if (key === undefined) return {};
  if (network === undefined || network === "")
    throw usageError("Of which network?", "Give --network ID (MOULT_NETWORK).");
  const issuedMs = ports.now();
  const body = { ...override, pool: idOf(override.pool), nodes: override.nodes.map(idOf) };
  const payload = writeOverrideStatement({ network, issuedMs, expiresMs: issuedMs + ttlS * 1000, body });
  try {
    readOverrideStatement(payload);
  } catch (error) {
    if (error instanceof StatementPayloadError) throw usageError(`This is no override: ${error.message}.`);
    throw error;
  }
  return { statement: signStatement("override", { payload }, readPrivateKey(key, ports)) };
}
