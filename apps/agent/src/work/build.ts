/** The workload of one build, ready to be run. */
import type { SlotContents } from "@moult/slots";
import type { BuildManifest } from "@moult/trust";
import { workIdentityOf, workPartsOf } from "../build/identity.ts";

/** What is to be run. */
export interface WorkBuild {
  /** Equal where the workload is the same. */
  readonly identity: string;
  readonly workload: BuildManifest["workload"];
  /** The parts it may use. */
  readonly parts: SlotContents["parts"];
}

/** The workload that a manifest names. */
export function workBuildOf(manifest: BuildManifest): WorkBuild {
  return { identity: workIdentityOf(manifest), workload: manifest.workload, parts: workPartsOf(manifest) };
}

/** A command's words with `{slot}` replaced by the folder its parts are in. */
export function commandIn(folder: string, command: readonly string[]): readonly string[] {
  return command.map((word) => word.replaceAll("{slot}", folder));
}
