/**
 * A new override: what the request says, and the operator's signed word for the same. The request is what is carried out;
 * the statement is what proves to an outsider who wanted it, and how long it may hold at most.
 */
import { status } from "@grpc/grpc-js";
import { type OverrideBody, RpcError, readOverrideStatement } from "@moult/contracts";
import { type CreateOverrideRequest, ErrorReason } from "@moult/contracts/v1";
import { CLAIM_MAX_RPS, type Override } from "@moult/policy";
import { StatementError, type VerifiedStatement, verifyStatement } from "@moult/trust/statement";
import { Fields } from "./fields.ts";

const NODES_MAX = 10_000;
/** As the contract says of an override's length. */
const TTL_MAX_S = 86_400;
/** An operator's clock may be ahead of the coordinator's by this much, milliseconds. */
const AHEAD_MAX_MS = 300_000;

/** Who may say it, where and when. */
export interface OverrideRules {
  readonly network: string;
  /** The caller's own public keys. */
  readonly keys: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** An override that its operator signed. */
export interface SignedOverride {
  readonly override: Omit<Override, "overrideId">;
  /** Names the statement, 64 hexadecimal digits. */
  readonly digest: string;
}

/** Reads a request. Throws INVALID_ARGUMENT: FIELD_INVALID, or STATEMENT_INVALID with what to do. */
export function readSignedOverride(message: CreateOverrideRequest, rules: OverrideRules): SignedOverride {
  const wanted = readOverride(message, rules.now);
  if (message.statement.length === 0)
    throw invalid("it is missing; sign it: moult override create … --key OPERATOR_KEY");
  if (rules.keys.length === 0) {
    throw invalid(
      "the coordinator knows no key of yours; have it put into the table of operators (key), or override_keys",
    );
  }
  const { body, issuedMs, expiresMs, digest } = verified(message.statement, rules);
  const difference = differenceOf(wanted, body) ?? (expiresMs - issuedMs === message.ttlS * 1000 ? undefined : "ttl_s");
  if (difference !== undefined) throw invalid(`it says another ${difference} than the request`);
  return { override: { ...wanted, expiresAtMs: Math.min(wanted.expiresAtMs, expiresMs) }, digest };
}

function readOverride(message: CreateOverrideRequest, now: number): Omit<Override, "overrideId"> {
  const fields = new Fields();
  const told = fields.present(message.override, "override");
  fields.number(message.ttlS, "ttl_s", { min: 1, max: TTL_MAX_S });
  fields.check(told.deficitMaxRps > 0, "override.deficit_max_rps", "must be more than 0");
  fields.check(told.nodes.length <= NODES_MAX, "override.nodes", `at most ${NODES_MAX}`);
  const override = {
    poolId: fields.id("pools", told.pool, "override.pool"),
    nodeIds: told.nodes.slice(0, NODES_MAX).map((name) => fields.id("nodes", name, "override.nodes")),
    reason: fields.text(told.reason.trim(), "override.reason", { min: 1, max: 512 }),
    deficitMaxRps: fields.number(told.deficitMaxRps, "override.deficit_max_rps", { min: 0, max: CLAIM_MAX_RPS }),
    allowShardAndDomain: told.allowShardAndDomain,
    expiresAtMs: now + message.ttlS * 1000,
  };
  fields.done();
  return override;
}

function verified(statement: Uint8Array, { network, keys, now }: OverrideRules): VerifiedStatement<OverrideBody> {
  try {
    return verifyStatement(statement, {
      kind: "override",
      network,
      keys,
      threshold: 1,
      read: readOverrideStatement,
      nowMs: now,
      issuedUntilMs: now + AHEAD_MAX_MS,
    });
  } catch (error) {
    if (!(error instanceof StatementError)) throw error;
    throw invalid(error.message, error);
  }
}

/** The first field in which they differ; undefined where they say the same. */
function differenceOf(wanted: Omit<Override, "overrideId">, said: OverrideBody): string | undefined {
  const same: readonly (readonly [string, boolean])[] = [
    ["pool", wanted.poolId === said.pool],
    ["nodes", wanted.nodeIds.length === said.nodes.length && wanted.nodeIds.every((id, at) => id === said.nodes[at])],
    ["reason", wanted.reason === said.reason.trim()],
    ["deficit_max_rps", wanted.deficitMaxRps === said.deficitMaxRps],
    ["allow_shard_and_domain", wanted.allowShardAndDomain === said.allowShardAndDomain],
  ];
  return same.find(([, equal]) => !equal)?.[0];
}

function invalid(why: string, cause?: unknown): RpcError {
  const message = `statement: ${why}`;
  const violations = [{ field: "statement", description: why }];
  return new RpcError(status.INVALID_ARGUMENT, ErrorReason.STATEMENT_INVALID, message, { violations, cause });
}
