/** What an agent finds on its disk when it starts. Reads only. */
import type { BootRecordFiles, SlotName, SlotStore } from "@moult/slots";
import { type BuildManifest, ENVELOPE_BYTES_MAX, parseManifest } from "@moult/trust";
import type { StateFile } from "../adapters/state-file.ts";
import { workIdentityOf } from "../build/identity.ts";
import { judgeBuild } from "../build/judge.ts";
import type { Settings } from "../config/settings.ts";
import { signedTimeMs } from "../time/signed-time.ts";
import type { Beginning } from "../update/begin.ts";
import type { RunningBuild, StagedBuild } from "../update/state.ts";

/** Where to look. */
export interface SurveyParts {
  readonly settings: Settings;
  readonly store: SlotStore;
  readonly records: BootRecordFiles;
  readonly state: StateFile;
  readonly bootId: string;
  readonly slot: SlotName;
  readonly trial: boolean;
}

/** What was found. */
export interface Survey {
  readonly beginning: Beginning;
  readonly manifest: BuildManifest;
  /** Times that stand in builds on this disk which the council signed, in milliseconds since 1970. */
  readonly signedTimesMs: readonly number[];
  /** The state file is there and cannot be read. */
  readonly stateDamaged: boolean;
}

/** The slot this agent is said to run from does not hold a build. */
export class SurveyError extends Error {
  readonly code = "SLOT_UNUSABLE";
}

/** Looks at the disk. Throws SurveyError, and ManifestError where the own build's manifest cannot be read. */
export async function survey(parts: SurveyParts): Promise<Survey> {
  const { store, records, state, bootId, slot, trial } = parts;
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
  const { durable, damaged } = await state.read();
  const record = await records.read();
  const staged = trial ? undefined : await findStaged(parts, running, durable.denied);
  const beginning = { running, bootId, trial, durable, record, staged };
  const signedTimesMs = await findSignedTimes(parts);
  return { beginning, manifest, signedTimesMs, stateDamaged: damaged };
}

async function findSignedTimes({ store, settings }: SurveyParts): Promise<readonly number[]> {
  const documents = await Promise.all((["factory", "a", "b"] as const).map((slot) => store.documents(slot)));
  return documents
    .filter((found) => found !== undefined && found.signed.length <= ENVELOPE_BYTES_MAX)
    .map((found) => found && signedTimeMs(found.signed, settings.council))
    .filter((timeMs) => timeMs !== undefined);
}

/** A build that an earlier agent staged and that may still be moved to, judged as if it had just arrived. */
async function findStaged(
  { store, settings }: SurveyParts,
  running: RunningBuild,
  denied: readonly string[],
): Promise<StagedBuild | undefined> {
  const slot: SlotName = running.slot === "a" ? "b" : "a";
  const contents = await store.contents(slot);
  const documents = contents && (await store.documents(slot));
  if (contents === undefined || documents === undefined || documents.signed.length > ENVELOPE_BYTES_MAX)
    return undefined;
  const { network, council } = settings;
  const judgement = judgeBuild({
    envelope: documents.signed,
    offered: {
      digest: contents.digest,
      version: "",
      releaseCounter: 0,
      manifestBytes: documents.manifest.length,
      sources: [],
    },
    council,
    network,
    platform: { os: process.platform, arch: process.arch },
    running,
    denied,
  });
  if ("refused" in judgement) return undefined;
  const { manifest, digest } = judgement.approved;
  const workIdentity = workIdentityOf(manifest);
  return { slot, digest, version: manifest.version, releaseCounter: manifest.release_counter, workIdentity, pullMs: 0 };
}
