/** Verdicts of a coordinator whose gates let everything pass: for tests of what a device makes of a yes. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type AskRequest,
  Decision,
  PermitPhase,
  type TargetBuildSchema,
  type VerdictSchema,
} from "@moult/contracts/v1";
import type { TestBuild } from "./test-build.ts";

/** What is offered, and how fast a "no" may be asked about again. */
export interface OpenGates {
  readonly target: TestBuild | undefined;
  readonly sources: readonly string[];
  /** In milliseconds. */
  readonly retryAfterMs?: number;
}

/** The build as a coordinator offers it. */
export function targetOf(build: TestBuild, sources: readonly string[]): MessageInitShape<typeof TargetBuildSchema> {
  const { digest, manifest, bytes } = build;
  return {
    digest,
    version: manifest.version,
    releaseCounter: BigInt(manifest.release_counter),
    manifestBytes: bytes.length,
    sources: [...sources],
  };
}

/** PREPARE, GO to drain, GO to be away; STAY where the device runs it or has denied it. */
export function openGates(
  ask: AskRequest,
  { target, sources, retryAfterMs = 200 }: OpenGates,
): MessageInitShape<typeof VerdictSchema> {
  const over = ask.runningDigest === target?.digest || ask.deniedDigests.includes(target?.digest ?? "");
  if (target === undefined || over) return { decision: Decision.STAY, retryAfterMs };
  const offered = targetOf(target, sources);
  if (ask.stagedDigest !== target.digest) return { decision: Decision.PREPARE, target: offered };
  const phase = ask.drained ? PermitPhase.AWAY : PermitPhase.DRAINING;
  const permitId = `permit-${target.manifest.version}`;
  const permit = { permitId, phase, expiresInMs: 60_000, drainGraceMs: 10_000 };
  return { decision: Decision.GO, target: offered, permit };
}
