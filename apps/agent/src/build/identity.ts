/** What a manifest means for a device's slots and for its workload. Pure. */
import type { SlotContents } from "@moult/slots";
import { type BuildManifest, digestOf } from "@moult/trust";

/** The build as the slots know it. */
export function contentsOf(manifest: BuildManifest, digest: string): SlotContents {
  const parts = manifest.parts.map((part) => ({
    path: part.path,
    digest: part.digest,
    lengthBytes: part.length_bytes,
    executable: part.executable,
  }));
  return { digest, runtime: manifest.runtime, agent: manifest.agent, parts };
}

/** The parts a workload may use: all but the agent's. */
export function workPartsOf(manifest: BuildManifest): SlotContents["parts"] {
  return contentsOf(manifest, "").parts.filter((part) => part.path !== manifest.agent);
}

/**
 * Stands for the workload of a build: its command and every part it may use. Where two builds have the same one, the
 * workload works on while the agent is exchanged. Which parts a program really opens cannot be known, so all count.
 */
export function workIdentityOf(manifest: BuildManifest): string {
  const { workload } = manifest;
  if (workload.kind === "none") return "none";
  const start = workload.kind === "hooks" ? workload.hooks_dir : workload.command;
  const parts = workPartsOf(manifest)
    .map(({ path, digest, executable }) => [path, digest, executable])
    .sort(([x], [y]) => ((x ?? "") < (y ?? "") ? -1 : 1));
  return digestOf(new TextEncoder().encode(JSON.stringify([workload.kind, start, parts])));
}
