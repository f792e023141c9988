/** One publication: reads what is published, signs, hands in, remembers. */
import type { PublishMetadataResponse } from "@moult/contracts/v1";
import { type RootChain } from "../ceremony/roots.ts";
import type { Coordinator } from "../connection/coordinator.ts";
import { type CoordinatorSource, coordinatorSource } from "./coordinator-source.ts";
import { type PublisherMemory } from "./memory.ts";
import { type NamedBrake, namedBrakes } from "./named-brakes.ts";
import { readPublished } from "./published.ts";
import { type SignWish, type SignedFiles, signFiles } from "./sign-files.ts";

/** What was published. */
export interface Publication {
  readonly files: SignedFiles;
  readonly answer: PublishMetadataResponse;
  /** Whether the versions begin anew, because keys that the root does not name any more had published. */
  readonly anew: boolean;
  /** Those that the timestamp names. */
  readonly brakes: readonly NamedBrake[];
}

/** Publishes. `roots`: those the publisher has, of which new ones are handed in. Throws TufError, CliError, and what calls throw. */
export async function publishOnce(
  coordinator: Pick<Coordinator, "metadata" | "call">,
  parts: { readonly roots: RootChain | undefined; readonly memory: PublisherMemory; readonly mayBeginAnew: boolean },
  wish: Omit<SignWish, "brakes"> & {
    /** Signed brakes that came another way than by the coordinator, which may hide them. */
    readonly brakes: readonly Uint8Array[];
  },
): Promise<Publication | undefined> {
  const local = new Map((parts.roots?.files ?? []).map((file) => [file.version, file.bytes]));
  const source = coordinatorSource(coordinator, local);
  const published = await readPublished(source, parts.memory);
  if (published.byOthers && !parts.mayBeginAnew) return undefined;
  const targets = wish.allowlist ?? published.targets;
  const statements = [...wish.brakes, ...source.brakes()];
  const brakes = namedBrakes(statements, { root: published.root, targets, nowMs: wish.nowMs });
  const files = signFiles(published, { ...wish, brakes: brakes.map(({ digest }) => digest) });
  const roots = await missingRoots(coordinator, local);
  const answer = await coordinator.metadata.publishMetadata(
    { files: [...roots, files.targets, files.snapshot, files.timestamp] },
    coordinator.call,
  );
  const { snapshot, timestamp } = files;
  const kept = { root: published.root, snapshot, timestamp, targets: new Map([["targets", files.targets]]) };
  await parts.memory.save(kept);
  return { files, answer, anew: published.byOthers, brakes };
}

/** Roots that the coordinator does not have yet. */
async function missingRoots(
  coordinator: Pick<Coordinator, "metadata" | "call">,
  local: ReadonlyMap<number, Uint8Array>,
): Promise<readonly Uint8Array[]> {
  const theirs: CoordinatorSource = coordinatorSource(coordinator);
  const missing: Uint8Array[] = [];
  for (const [version, bytes] of [...local].toSorted(([a], [b]) => b - a)) {
    // The first root of a network is what the coordinator was set up with.
    if (version === 1 || (await theirs.fetch({ role: "root", version }, bytes.length)) !== undefined) break;
    missing.unshift(bytes);
  }
  return missing;
}
