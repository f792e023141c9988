/**
 * Stages an offered build in the slot that does not run: approval, manifest, plan, space, parts, slot. Nothing is pulled
 * that the council's allowlist does not name, and nothing but the other slot is replaced.
 */
import {
  type PartEntry,
  PartError,
  SLOT_NAMES,
  type SlotContents,
  type SlotName,
  type SlotStore,
  type StagePlan,
  planStage,
} from "@moult/slots";
import { ENVELOPE_BYTES_MAX } from "@moult/trust";
import type { AllowedBuild } from "@moult/trust/tuf";
import { contentsOf, workIdentityOf } from "../build/identity.ts";
import { type ApprovedManifest, judgeManifest } from "../build/judge.ts";
import { StageError } from "../ports.ts";
import type { DeviceFacts, Judgement } from "../trust/gate.ts";
import type { OfferedBuild, RunningBuild, StagedBuild } from "../update/state.ts";
import { Health } from "./health.ts";
import { createPace } from "./pace.ts";
import { type PullTools, type Target, asStageError, pull } from "./pull.ts";
import { plainSink, waysOf } from "./ways.ts";

/** What the device is and has. */
export interface StageContext {
  readonly store: SlotStore;
  readonly freeBytes: () => Promise<number>;
  readonly device: Pick<DeviceFacts, "network" | "platform">;
  readonly running: RunningBuild;
  /** Gate 1 for the build with that digest, now. */
  readonly judge: (digest: string) => Judgement;
  readonly tools: Omit<PullTools, "pace" | "health">;
}

/** A staging under way: the context, with what one staging keeps for itself. */
interface Staging extends StageContext {
  readonly tools: PullTools;
}

/**
 * Stages the build. Throws StageError; then what was left over has been swept, but for parts that came whole and for
 * the beginnings of parts of this build, from which the next try goes on.
 */
export async function stageBuild(offered: OfferedBuild, given: StageContext): Promise<StagedBuild> {
  const { store, running } = given;
  const pace = createPace(given.tools.limits.rateMaxBytesPerS, given.tools.clock);
  const tools = { ...given.tools, pace, health: new Health() };
  const context: Staging = { ...given, tools };
  const beganMs = tools.clock.nowMs();
  try {
    const judgement = given.judge(offered.digest);
    if ("refused" in judgement) throw new StageError(judgement.refused.reason, judgement.refused.message);
    const { allowed } = judgement;
    const { manifest, bytes, digest, envelope } = await pullManifest(allowed, offered, context);
    const contents = contentsOf(manifest, digest);
    const plan = planStage({ build: contents, running: running.slot, present: await store.soundParts(contents.parts) });
    // Beginnings of other builds' parts are in the way of this one's.
    await store.sweep(new Set(plan.missing.map(({ digest: missing }) => missing)));
    await checkSpace(plan, context);
    const builds = await buildsHere(plan, context);
    for (const part of plan.missing) await pullPart(part, builds, offered, context);
    await store.assemble(plan.slot, contents, { manifest: bytes, signed: envelope });
    await store.dropUnusedParts();
    return {
      slot: plan.slot,
      digest,
      version: manifest.version,
      releaseCounter: allowed.releaseCounter,
      workIdentity: workIdentityOf(manifest),
      pullMs: Math.round(tools.clock.nowMs() - beganMs),
    };
  } catch (error) {
    await clearUp(error, context);
    throw asStageError(error);
  }
}

/** The approved manifest, in the envelope as it came. */
type Approved = ApprovedManifest & { readonly envelope: Uint8Array };

/** The first manifest that is the list's; a source with another one is left like one with wrong bytes. */
async function pullManifest(allowed: AllowedBuild, offered: OfferedBuild, context: Staging): Promise<Approved> {
  let approved: Approved | undefined;
  let refusal: StageError | undefined;
  const finish = async (envelope: Uint8Array): Promise<void> => {
    const judgement = judgeManifest(envelope, allowed, context.device);
    if ("approved" in judgement) {
      approved = { ...judgement.approved, envelope };
      return;
    }
    refusal = new StageError(judgement.refused.reason, judgement.refused.message);
    if (refusal.code === "NOT_APPROVED") throw new PartError("DIGEST_WRONG", refusal.message);
    throw refusal;
  };
  const open = async (): Promise<Target> => collect(finish);
  const way = {
    path: `/v1/manifests/${allowed.digest}`,
    bytesMax: ENVELOPE_BYTES_MAX,
    optional: false,
    into: (target: Target) => plainSink(target, undefined),
  };
  const wanted = { name: "the manifest", lengthBytes: undefined, ways: [way], open };
  try {
    await pull(wanted, offered.sources, context.tools);
  } catch (error) {
    throw refusal ?? error;
  }
  if (approved === undefined) throw new StageError("PULL", "No source gave the manifest.");
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
    async suspend() {
      pieces.length = 0;
    },
    async discard() {
      pieces.length = 0;
    },
  };
}

/** A delta is unpacked as it comes, so no way takes more of the disk than the part itself. */
async function checkSpace(plan: StagePlan, { store, freeBytes, tools }: Staging): Promise<void> {
  const begun = await store.partialParts();
  const beginnings = plan.missing.map((part) => Math.min(begun.get(part.digest) ?? 0, part.lengthBytes));
  const neededBytes = plan.missingBytes - beginnings.reduce((sum, bytes) => sum + bytes, 0);
  const free = await freeBytes();
  if (free >= neededBytes + tools.limits.diskReserveBytes) return;
  const message = `The build needs ${neededBytes} bytes and ${tools.limits.diskReserveBytes} must stay free; ${free} are.`;
  throw new StageError("DISK_FULL", message);
}

/** The builds that are here, the one that runs first. */
async function buildsHere(plan: StagePlan, { store, running }: Staging): Promise<readonly SlotContents[]> {
  const found: SlotContents[] = [];
  for (const slot of new Set<SlotName>([running.slot, plan.slot, ...SLOT_NAMES])) {
    const contents = await store.contents(slot);
    if (contents !== undefined) found.push(contents);
  }
  return found;
}

async function pullPart(
  part: PartEntry,
  builds: readonly SlotContents[],
  offered: OfferedBuild,
  { store, tools }: Staging,
): Promise<void> {
  const wanted = {
    name: part.path,
    lengthBytes: part.lengthBytes,
    ways: waysOf(part, builds, store),
    open: () => store.receivePart(part),
  };
  await pull(wanted, offered.sources, tools);
}

/** What came is kept for the next try, unless it is space that is missing. */
async function clearUp(error: unknown, { store, tools }: Staging): Promise<void> {
  const failure = asStageError(error);
  const isFull = failure instanceof StageError && failure.code === "DISK_FULL";
  try {
    await store.sweep(isFull ? undefined : "ALL");
    if (isFull) await store.dropUnusedParts();
  } catch (sweepError) {
    // The sweep at the next start comes by again; the failure itself is what has to be told.
    tools.log.warn({ err: sweepError }, "leftovers could not be swept");
  }
}
