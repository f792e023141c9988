/**
 * Stages an offered build in the slot that does not run: envelope, approval, plan, space, parts, slot. Nothing is
 * pulled before the council's signatures were verified here, and nothing but the other slot is replaced.
 */
import { type PartEntry, PartError, type SlotStore, type StagePlan, planStage } from "@moult/slots";
import { type Council, ENVELOPE_BYTES_MAX } from "@moult/trust";
import { contentsOf, workIdentityOf } from "../build/identity.ts";
import { type Judgement, judgeBuild } from "../build/judge.ts";
import { StageError } from "../ports.ts";
import type { OfferedBuild, RunningBuild, StagedBuild } from "../update/state.ts";
import { type PullTools, type Target, asStageError, pull } from "./pull.ts";

/** What the device is and has. */
export interface StageContext {
  readonly store: SlotStore;
  readonly freeBytes: () => Promise<number>;
  readonly council: Council;
  readonly network: string;
  readonly platform: { readonly os: string; readonly arch: string };
  readonly running: RunningBuild;
  readonly denied: readonly string[];
  readonly tools: PullTools;
}

/** Stages the build. Throws StageError; then what was left over has been swept. */
export async function stageBuild(offered: OfferedBuild, context: StageContext): Promise<StagedBuild> {
  const { store, tools, running } = context;
  const beganMs = tools.clock.nowMs();
  try {
    const { manifest, bytes, digest, envelope } = await pullApproved(offered, context);
    const contents = contentsOf(manifest, digest);
    const plan = planStage({ build: contents, running: running.slot, present: await store.soundParts(contents.parts) });
    await checkSpace(plan, context);
    for (const part of plan.missing) await pullPart(part, offered, context);
    await store.assemble(plan.slot, contents, { manifest: bytes, signed: envelope });
    await store.dropUnusedParts();
    return {
      slot: plan.slot,
      digest,
      version: manifest.version,
      releaseCounter: manifest.release_counter,
      workIdentity: workIdentityOf(manifest),
      pullMs: Math.round(tools.clock.nowMs() - beganMs),
    };
  } catch (error) {
    await clearUp(error, context);
    throw asStageError(error);
  }
}

type Approved = Extract<Judgement, { approved: unknown }>["approved"];

/** The first envelope that the council's quorum signed; a source with another one is left like one with wrong bytes. */
async function pullApproved(
  offered: OfferedBuild,
  context: StageContext,
): Promise<Approved & { readonly envelope: Uint8Array }> {
  let approved: (Approved & { readonly envelope: Uint8Array }) | undefined;
  let refusal: StageError | undefined;
  const finish = async (envelope: Uint8Array): Promise<void> => {
    const judgement = judgeBuild({ ...context, envelope, offered });
    if ("approved" in judgement) {
      approved = { ...judgement.approved, envelope };
      return;
    }
    refusal = new StageError(judgement.refused.reason, judgement.refused.message);
    if (refusal.code === "NOT_APPROVED") throw new PartError("DIGEST_WRONG", refusal.message);
    throw refusal;
  };
  const path = `/v1/manifests/${offered.digest}`;
  const open = async (): Promise<Target> => collect(finish);
  try {
    await pull({ path, lengthBytes: undefined, bytesMax: ENVELOPE_BYTES_MAX, open }, offered.sources, context.tools);
  } catch (error) {
    throw refusal ?? error;
  }
  if (approved === undefined) throw new StageError("PULL", "No source gave the signed manifest.");
  return approved;
}

/** A target in memory. */
function collect(finish: (bytes: Uint8Array) => Promise<void>): Target {
  const pieces: Uint8Array[] = [];
  let receivedBytes = 0;
  return {
    get receivedBytes() {
      return receivedBytes;
    },
    async write(piece) {
      pieces.push(piece);
      receivedBytes += piece.length;
    },
    finish: () => finish(new Uint8Array(Buffer.concat(pieces))),
    async discard() {
      pieces.length = 0;
    },
  };
}

async function checkSpace(plan: StagePlan, { freeBytes, tools }: StageContext): Promise<void> {
  const free = await freeBytes();
  const wanted = plan.missingBytes + tools.limits.diskReserveBytes;
  if (free >= wanted) return;
  const message = `The build needs ${plan.missingBytes} bytes and ${tools.limits.diskReserveBytes} must stay free; ${free} are.`;
  throw new StageError("DISK_FULL", message);
}

async function pullPart(part: PartEntry, offered: OfferedBuild, { store, tools }: StageContext): Promise<void> {
  const wanted = {
    path: `/v1/parts/${part.digest}`,
    lengthBytes: part.lengthBytes,
    bytesMax: part.lengthBytes,
    open: () => store.receivePart(part),
  };
  await pull(wanted, offered.sources, tools);
}

/** Parts that came whole are kept for the next try, unless it is space that is missing. */
async function clearUp(error: unknown, { store, tools }: StageContext): Promise<void> {
  try {
    await store.sweep();
    const failure = asStageError(error);
    if (failure instanceof StageError && failure.code === "DISK_FULL") await store.dropUnusedParts();
  } catch (sweepError) {
    // The sweep at the next start comes by again; the failure itself is what has to be told.
    tools.log.warn({ err: sweepError }, "leftovers could not be swept");
  }
}
