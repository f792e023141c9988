/**
 * Configuration in three stages: fragments (a YAML file, then environment variables over it), inputs (validated), and
 * settings (what the parts take). A wrong key or value is refused at the start with its path and what would be right.
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type LedgerConfig, POOL_DEFAULTS, RISK_DEFAULTS } from "@moult/policy";
import { AuditError, parseVkey } from "@moult/trust/audit";
import { validate as isCron } from "node-cron";
import { parse } from "yaml";
import { z } from "zod";
import type { AuditSettings } from "./audit/audit-log.ts";
import { SQLITE } from "./store/engine.ts";

const DAY_MS = 86_400_000;
const ratio = z.number().min(0).max(10);
const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const hex32 = z.string().regex(/^[0-9a-f]{64}$/, "an Ed25519 public key as 64 lowercase hexadecimal digits");
const durationMs = z.number().int().min(1).max(DAY_MS);

const Address = z.strictObject({
  host: z.string().default("127.0.0.1").describe("Address to listen on."),
  port: z.number().int().min(0).max(65_535).default(0).describe("Port to listen on; 0 takes any that is free."),
});

/** How many connections a port that is open to everybody takes. */
const connections = z.number().int().min(1).max(1_000_000);

const ConfigFile = z.strictObject({
  network: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "1 to 63 of a-z, 0-9 and - (no - at an end)")
    .describe("Name of the network; manifests of another network are refused."),
  state_dir: z.string().min(1).describe("Folder for the store, parts, certificates and tokens."),
  store: z
    .string()
    .refine(isStore, "sqlite, or the URL of a PostgreSQL database: postgres://USER:PASSWORD@HOST:PORT/DATABASE")
    .default(SQLITE)
    .describe("The store: `sqlite`, a file in `state_dir`, or the URL of a PostgreSQL database."),
  replica: z
    .strictObject({
      name: z.string().regex(NAME, "1 to 63 of a-z, 0-9 and -").describe("For people, in `moult coordinator status`."),
      address: z
        .string()
        .regex(/^[^\s/]+:\d{1,5}$/, "host:port")
        .describe("Where the other replicas reach this one's `grpc`; the host is in its certificate."),
    })
    .optional()
    .describe("This coordinator is one of several on a PostgreSQL database; none by default."),
  grpc: Address.extend({
    connections_max: connections
      .default(262_144)
      .describe("Connections at once; further ones are refused. Each device holds one. Below the limit of open files."),
    connections_per_address_max: connections
      .default(1_024)
      .describe("The same, of one address. Many devices may share one behind a provider's NAT."),
  }).prefault({}),
  json: Address.extend({
    connections_max: connections.default(1_024).describe("Connections at once; further ones are refused."),
    connections_per_address_max: connections.default(256).describe("The same, of one address."),
  })
    .prefault({})
    .describe("Operators' calls as Connect and JSON over HTTPS."),
  operators: Address.optional().describe(
    "A second gRPC port that lets in only operators with client certificates; none by default.",
  ),
  operators_file: z
    .string()
    .min(1)
    .optional()
    .describe(
      "The table of operators; relative to this file's folder. By default operators.yaml, and where that is not there local tokens are made; a file that is named must be there.",
    ),
  operators_ca_file: z
    .string()
    .min(1)
    .optional()
    .describe("PEM of the authority that signs operators' certificates; without it their keys alone are known."),
  override_keys: z
    .array(hex32)
    .max(64)
    .default([])
    .describe("Without a table of operators: whose signed overrides count."),
  artifacts: Address.extend({
    public_url: z.url().optional().describe("Base URL under which devices reach the artifacts; default: the listener."),
    part_bytes_max: z.number().int().min(1).default(1_073_741_824).describe("Largest part that may be uploaded."),
    connections_max: connections
      .default(4_096)
      .describe("Connections at once; further ones are refused. Below the process's limit of open files."),
    connections_per_address_max: connections
      .default(256)
      .describe("The same, of one address. Many devices may share one behind a provider's NAT."),
    idle_timeout_ms: durationMs
      .min(100)
      .default(60_000)
      .describe("A connection that moves less than 1 KiB in this time is ended."),
  }).prefault({}),
  tls: z
    .strictObject({ cert_file: z.string(), key_file: z.string(), ca_file: z.string() })
    .optional()
    .describe("PEM files. Without them the coordinator makes its own authority and certificate in the state folder."),
  tls_names: z
    .array(z.string())
    .default(["localhost", "127.0.0.1", "::1"])
    .describe("Names and addresses that the coordinator's own certificate is for."),
  root_file: z
    .string()
    .min(1)
    .describe("The network's root, as `moult root` made it: whose keys approve builds, publish, and brake."),
  council: z
    .never({ error: "is not said here any more: the root names the council; take this key out and set root_file" })
    .optional()
    .describe("Gone since 0.2: see root_file."),
  capacity: z
    .strictObject({
      margin_ratio: ratio.default(POOL_DEFAULTS.marginRatio),
      report_fresh_ms: durationMs.default(POOL_DEFAULTS.reportFreshMs),
      permit_ttl_ms: durationMs.default(POOL_DEFAULTS.permitTtlMs),
      drain_grace_ms: durationMs.default(POOL_DEFAULTS.drainGraceMs),
      absence_predicted_ms: durationMs.default(POOL_DEFAULTS.absencePredictedMs),
      domain_cap_ratio: ratio.default(POOL_DEFAULTS.domainCapRatio),
      shard_holders_min: z.number().int().min(0).default(POOL_DEFAULTS.shardHoldersMin),
      reserve_z: z
        .number()
        .min(0)
        .max(6)
        .default(RISK_DEFAULTS.z)
        .describe("Standard deviations of all that may go wrong which the reserve covers; 0 for the margin alone."),
      reserve_z_min: z
        .number()
        .min(0)
        .max(6)
        .default(RISK_DEFAULTS.zLeast)
        .describe("What the pressure of a deadline may shrink `reserve_z` to."),
      hold_after_ms: durationMs
        .default(RISK_DEFAULTS.holdAfterMs)
        .describe("A node that was refused for so long is its pool's hold: others need room beyond its."),
      vanish_after_ms: durationMs
        .default(120_000)
        .describe("A node whose stream ended and that was not heard for so long counts as gone."),
    })
    .prefault({}),
  retry: z
    .strictObject({
      allowlist_ms: durationMs.default(900_000),
      dial_ms: durationMs.default(900_000),
      capacity_ms: durationMs.default(300_000),
    })
    .prefault({})
    .describe("When a node that was told to stay may ask again, by the gate that refused."),
  audit: z
    .strictObject({
      origin: z
        .string()
        .regex(/^[^\s+\p{Cc}\p{Z}]{1,255}$/u, "1 to 255 characters without spaces and plus signs")
        .optional()
        .describe("Name of the log, the first line of its checkpoints; default: moult/NETWORK/audit."),
      checkpoint_ms: z
        .number()
        .int()
        .min(100)
        .max(5_000)
        .default(2_000)
        .describe("Time between two checkpoints; with the witnesses' time, a leaf is signed for within 10 s."),
      witnesses: z
        .array(
          z.strictObject({
            url: z.url({ protocol: /^https?$/ }).describe("Where it takes checkpoints: its submission prefix."),
            key: z.string().refine(isWitnessKey, "a witness's key as `moult witness key` prints it: name+keyid+base64"),
          }),
        )
        .max(16)
        .default([])
        .describe("Who cosigns the log's checkpoints."),
      witnesses_min: z
        .number()
        .int()
        .min(0)
        .optional()
        .describe("Witnesses that must have answered since the start before anything is signed; default: 1 of any."),
    })
    .superRefine((audit, context) => {
      if ((audit.witnesses_min ?? 0) <= audit.witnesses.length) return;
      context.addIssue({ code: "custom", path: ["witnesses_min"], message: "more than there are witnesses" });
    })
    .prefault({})
    .describe("The audit log."),
  session_ttl_ms: durationMs.default(3_600_000).describe("How long a device's session lasts."),
  maintenance_cron: z
    .string()
    .refine(isCron, "a cron expression, as in `17 4 * * *`")
    .default("17 4 * * *")
    .describe("When the store is tidied; cron, in UTC."),
  log_level: z
    .enum(["debug", "info", "warn", "error", "silent"])
    .default("info")
    .describe("What is logged: this and what is worse. Also LOG_LEVEL in the environment."),
  metrics: z
    .strictObject({
      host: z.string().default("127.0.0.1").describe("Address to listen on; whoever reaches it may read."),
      port: z.number().int().min(0).max(65_535).describe("Port to listen on; 0 takes any that is free."),
    })
    .optional()
    .describe("Plain HTTP with `/metrics` for Prometheus, `/healthz` and `/readyz`; none by default."),
  stop_notice_ms: z
    .number()
    .int()
    .min(0)
    .max(60_000)
    .default(0)
    .describe(
      "When told to stop: how long it goes on serving after it has said that it is not ready, so that balancers notice.",
    ),
});

function isStore(text: string): boolean {
  return text === SQLITE || (/^postgres(ql)?:\/\//.test(text) && URL.canParse(text));
}

function isWitnessKey(text: string): boolean {
  try {
    parseVkey(text, "cosignature");
    return true;
  } catch (error) {
    if (error instanceof AuditError) return false;
    throw error;
  }
}

/** A port that is open to everybody. */
interface OpenPort {
  readonly host: string;
  readonly port: number;
  readonly connections_max: number;
  readonly connections_per_address_max: number;
}

/** The configuration as it was written, with defaults; the descriptions stand with the checks above. */
export interface Config {
  readonly network: string;
  readonly state_dir: string;
  readonly store: string;
  readonly replica?: { readonly name: string; readonly address: string } | undefined;
  readonly grpc: OpenPort;
  readonly json: OpenPort;
  readonly operators?: { readonly host: string; readonly port: number } | undefined;
  readonly operators_file: string;
  /** Whether the configuration names it. */
  readonly operators_file_is_named: boolean;
  readonly operators_ca_file?: string | undefined;
  readonly override_keys: readonly string[];
  readonly artifacts: {
    readonly host: string;
    readonly port: number;
    readonly public_url?: string | undefined;
    readonly part_bytes_max: number;
    readonly connections_max: number;
    readonly connections_per_address_max: number;
    readonly idle_timeout_ms: number;
  };
  readonly tls?: { readonly cert_file: string; readonly key_file: string; readonly ca_file: string } | undefined;
  readonly tls_names: readonly string[];
  /** Absolute. */
  readonly root_file: string;
  readonly capacity: {
    readonly margin_ratio: number;
    readonly report_fresh_ms: number;
    readonly permit_ttl_ms: number;
    readonly drain_grace_ms: number;
    readonly absence_predicted_ms: number;
    readonly domain_cap_ratio: number;
    readonly shard_holders_min: number;
    readonly reserve_z: number;
    readonly reserve_z_min: number;
    readonly hold_after_ms: number;
    readonly vanish_after_ms: number;
  };
  readonly retry: { readonly allowlist_ms: number; readonly dial_ms: number; readonly capacity_ms: number };
  readonly audit: AuditSettings;
  readonly session_ttl_ms: number;
  readonly maintenance_cron: string;
  readonly metrics?: { readonly host: string; readonly port: number } | undefined;
  readonly stop_notice_ms: number;
  readonly log_level: "debug" | "info" | "warn" | "error" | "silent";
}

/** The JSON Schema of the configuration file, for editors. */
export function configJsonSchema(): object {
  return z.toJSONSchema(ConfigFile, { io: "input" });
}

/** A configuration that cannot be used. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Reads the file and lays environment variables over it: `MOULT_GRPC__PORT=7443` sets `grpc.port`. */
export function readConfig(path: string, env: Readonly<Record<string, string | undefined>>): Config {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new ConfigError(`cannot read the configuration ${path}: ${(cause as Error).message}`, { cause });
  }
  let fragments: unknown;
  try {
    fragments = parse(text) ?? {};
  } catch (cause) {
    throw new ConfigError(`${path} is not YAML: ${(cause as Error).message}`, { cause });
  }
  const result = ConfigFile.safeParse(withEnvironment(fragments, env));
  if (result.success) {
    const { council: _, ...data } = result.data;
    if (data.replica !== undefined && data.store === SQLITE) {
      throw new ConfigError(`${path} cannot be used:\n  replica: replicas share a PostgreSQL database; set store`);
    }
    const beside = (file: string): string => resolve(dirname(path), file);
    return {
      ...data,
      state_dir: resolve(data.state_dir),
      root_file: resolve(data.root_file),
      operators_file: beside(data.operators_file ?? "operators.yaml"),
      operators_file_is_named: data.operators_file !== undefined,
    };
  }
  const problems = result.error.issues.map((issue) => `  ${issue.path.join(".") || "(file)"}: ${issue.message}`);
  throw new ConfigError(`${path} cannot be used:\n${problems.join("\n")}`, { cause: result.error });
}

function withEnvironment(fragments: unknown, env: Readonly<Record<string, string | undefined>>): unknown {
  if (typeof fragments !== "object" || fragments === null) return fragments;
  const root: Record<string, unknown> = structuredClone(fragments) as Record<string, unknown>;
  // The name that other programs go by, too.
  const level = env["LOG_LEVEL"] ?? "";
  if (level !== "") root["log_level"] = level;
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith("MOULT_") || value === undefined) continue;
    const path = name.slice("MOULT_".length).toLowerCase().split("__");
    const head = path[0] ?? "";
    if (!Object.hasOwn(ConfigFile.shape, head)) continue;
    let place = root;
    for (const key of path.slice(0, -1)) {
      const next = place[key];
      place[key] = typeof next === "object" && next !== null ? next : {};
      place = place[key] as Record<string, unknown>;
    }
    try {
      place[path.at(-1) ?? ""] = parse(value);
    } catch (cause) {
      throw new ConfigError(`${name} in the environment is not YAML: ${(cause as Error).message}`, { cause });
    }
  }
  return root;
}

/** What the ledger takes. */
export function ledgerConfig(config: Config): LedgerConfig {
  const { capacity, retry } = config;
  return {
    pool: {
      marginRatio: capacity.margin_ratio,
      reportFreshMs: capacity.report_fresh_ms,
      permitTtlMs: capacity.permit_ttl_ms,
      drainGraceMs: capacity.drain_grace_ms,
      absencePredictedMs: capacity.absence_predicted_ms,
      domainCapRatio: capacity.domain_cap_ratio,
      shardHoldersMin: capacity.shard_holders_min,
      risk: { z: capacity.reserve_z, zLeast: capacity.reserve_z_min, holdAfterMs: capacity.hold_after_ms },
    },
    retry: { allowlistMs: retry.allowlist_ms, dialMs: retry.dial_ms, capacityMs: retry.capacity_ms },
  };
}
