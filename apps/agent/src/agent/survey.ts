/** What an agent finds on its disk when it starts. Reads only. */
import type { BootRecordFiles, SlotName, SlotStore } from "@moult/slots";
import { type BuildManifest, digestOf, parseManifest } from "@moult/trust";
import { workIdentityOf } from "../build/identity.ts";
import type { TrustKeeper } from "../trust/keeper.ts";
import type { Beginning } from "../update/begin.ts";
import type { Durable } from "../update/durable.ts";
import type { RunningBuild, StagedBuild } from "../update/state.ts";

/** Where to look. */
export interface SurveyParts {
  readonly store: SlotStore;
  readonly records: BootRecordFiles;
  /** What the state file holds. */
  readonly durable: Durable;
  readonly bootId: string;
  readonly slot: SlotName;
  readonly trial: boolean;
  /** What builds on this disk are judged by. */
  readonly trust: Pick<TrustKeeper, "view" | "judgeStaged">;
}

/** What was found. */
export interface Survey {
  readonly beginning: Beginning;
  readonly manifest: BuildManifest;
  /** Times that stand in builds on this disk which the allowlist names, in milliseconds since 1970. */
  readonly approvedTimesMs: readonly number[];
}

/** The slot this agent is said to run from does not hold a build. */
export class SurveyError extends Error {
  readonly code = "SLOT_UNUSABLE";
}

/** Looks at the disk. Throws SurveyError, and ManifestError where the own build's manifest cannot be read. */
export async function survey(parts: SurveyParts): Promise<Survey> {
  const { store, records, durable, bootId, slot, trial } = parts;
  const contents = await store.contents(slot);
  const documents = await store.documents(slot);
  if (contents === undefined || documents === undefined) {
    throw new SurveyError(`Slot ${slot} does not hold a whole build.`);
  }
  const manifest = parseManifest(documents.manifest);
  const running: RunningBuild = {
    slot,
    digest: contents.digest,
    version: manifest.version,
    releaseCounter: manifest.release_counter,
    workIdentity: workIdentityOf(manifest),
    healthTimeoutMs: manifest.workload.health_timeout_ms,
    soakMs: manifest.workload.soak_ms,
  };
  const record = await records.read();
  const staged = trial ? undefined : await findStaged(parts, running);
  const beginning = { running, bootId, trial, durable, record, staged };
  return { beginning, manifest, approvedTimesMs: await findApprovedTimes(parts) };
}

async function findApprovedTimes({ store, trust }: SurveyParts): Promise<readonly number[]> {
  const allowed = trust.view.network?.allowlist.builds;
  if (allowed === undefined) return [];
  const found = await Promise.all((["factory", "a", "b"] as const).map((slot) => store.documents(slot)));
  return found.flatMap((documents) => {
    if (documents === undefined || !allowed.has(digestOf(documents.manifest))) return [];
    const { built_at_s: builtAtS } = parseManifest(documents.manifest);
    return builtAtS === undefined ? [] : [builtAtS * 1_000];
  });
}

/** A build that an earlier agent staged and that may still be moved to: the list names it as it stands here. */
async function findStaged(
  { store, durable, trust }: SurveyParts,
  running: RunningBuild,
): Promise<StagedBuild | undefined> {
  const slot: SlotName = running.slot === "a" ? "b" : "a";
  const contents = await store.contents(slot);
  const documents = contents && (await store.documents(slot));
  if (contents === undefined || documents === undefined || digestOf(documents.manifest) !== contents.digest) {
    return undefined;
  }
  const judgement = trust.judgeStaged(contents.digest, { running, denied: durable.denied });
  if ("refused" in judgement) return undefined;
  const manifest = parseManifest(documents.manifest);
  const { releaseCounter } = judgement.allowed;
  const workIdentity = workIdentityOf(manifest);
  return { slot, digest: contents.digest, version: manifest.version, releaseCounter, workIdentity, pullMs: 0 };
}
