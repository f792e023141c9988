/** Asks and verdicts between the contract and the core. */
import { create } from "@bufbuild/protobuf";
import {
  type AskRequest,
  type AskResponse,
  AskResponseSchema,
  Decision,
  Gate,
  type GateResultSchema,
  PermitPhase,
  type PermitSchema,
  Reason,
  type TargetBuildSchema,
} from "@moult/contracts/v1";
import { formatName } from "@moult/contracts";
import type { AskEvent, GateResult, Permit, PoolConfig, Target, Verdict } from "@moult/policy";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Fields } from "./fields.ts";
import { readSituation } from "./situation.ts";

const DENIED_MAX = 16;
const FEATURES_MAX = 32;
const ID = { min: 1, max: 64 };

/** Reads an ask. Throws INVALID_ARGUMENT with every violation. */
export function readAsk(message: AskRequest, freshPermitId: string): AskEvent {
  const fields = new Fields();
  const platform = fields.present(message.platform, "platform");
  const situation = fields.present(message.situation, "situation");
  fields.text(message.askId, "ask_id", ID);
  fields.text(message.traceParent, "trace_parent", { min: 0, max: 128 });
  fields.check(message.sequence > 0n, "sequence", "must be 1 or more");
  fields.check(message.deniedDigests.length <= DENIED_MAX, "denied_digests", `at most ${DENIED_MAX}`);
  fields.check(message.features.length <= FEATURES_MAX, "features", `at most ${FEATURES_MAX}`);
  fields.check(!message.drained || message.permitId !== "", "drained", "goes with a permit_id");
  const deniedDigests = message.deniedDigests.slice(0, DENIED_MAX);
  for (const digest of deniedDigests) fields.digest(digest, "denied_digests");
  const event: AskEvent = {
    nodeId: fields.id("nodes", message.node, "node"),
    bootId: fields.text(message.bootId, "boot_id", ID),
    sequence: fields.counter(message.sequence, "sequence"),
    running: {
      version: fields.text(message.runningVersion, "running_version", ID),
      digest: fields.digest(message.runningDigest, "running_digest"),
      releaseCounter: fields.counter(message.runningReleaseCounter, "running_release_counter"),
      platform: {
        os: fields.text(platform.os, "platform.os", { min: 1, max: 32 }),
        arch: fields.text(platform.arch, "platform.arch", { min: 1, max: 32 }),
      },
    },
    situation: readSituation(fields, situation, "situation"),
    stagedDigest: fields.digest(message.stagedDigest, "staged_digest", { optional: true }),
    permitId: fields.text(message.permitId, "permit_id", { min: 0, max: 64 }),
    drained: message.drained,
    deniedDigests,
    freshPermitId,
  };
  fields.done();
  return event;
}

/** What a verdict needs beside itself. */
export interface VerdictContext {
  readonly askId: string;
  readonly sources: readonly string[];
  /** Statements of the brakes that hold. */
  readonly brakes: Uint8Array[];
  readonly timestampVersion: number;
  readonly pool: PoolConfig;
  readonly now: number;
}

/** Writes a verdict. */
export function writeVerdict(verdict: Verdict, context: VerdictContext): AskResponse {
  const moving = verdict.decision !== "STAY";
  return create(AskResponseSchema, {
    verdict: {
      decision: Decision[verdict.decision],
      askId: context.askId,
      gates: verdict.gates.map(writeGate),
      message: verdict.message,
      brakes: context.brakes,
      timestampVersion: BigInt(context.timestampVersion),
      retryAfterMs: verdict.decision === "STAY" ? verdict.retryAfterMs : 0,
      ...(moving ? { target: writeTarget(verdict.target, context.sources) } : {}),
      ...(verdict.decision === "GO" ? { permit: writePermit(verdict.permit, context) } : {}),
    },
  });
}

/** Writes what one gate said. */
export function writeGate(result: GateResult): MessageInitShape<typeof GateResultSchema> {
  return {
    gate: Gate[result.gate],
    passed: result.passed,
    reason: Reason[result.reason],
    message: result.message,
    measures: result.measures.map(({ name, value }) => ({ name, value })),
  };
}

/** Writes the build to move to. */
export function writeTarget(target: Target, sources: readonly string[]): MessageInitShape<typeof TargetBuildSchema> {
  const { release, build } = target;
  return {
    release: formatName("releases", release.version),
    digest: build.digest,
    manifestBytes: build.manifestBytes,
    platform: { ...build.platform },
    version: release.version,
    releaseCounter: BigInt(release.releaseCounter),
    sources: [...sources],
  };
}

/** Writes a permit; its end is told relative to now. */
export function writePermit(
  permit: Permit,
  context: { readonly pool: PoolConfig; readonly now: number },
): MessageInitShape<typeof PermitSchema> {
  return {
    permitId: permit.permitId,
    phase: PermitPhase[permit.phase],
    expiresInMs: Math.max(0, permit.expiresAtMs - context.now),
    drainGraceMs: context.pool.drainGraceMs,
    absencePredictedMs: context.pool.absencePredictedMs,
  };
}
