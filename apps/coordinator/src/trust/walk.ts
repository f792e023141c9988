/**
 * The coordinator's own walk from a root to the list, over the code that devices run. Expiry is left out here: a coordinator
 * narrows by the newest list it has, also where devices refuse to move because the list is stale. Who takes in new files
 * judges their expiry besides.
 */
import {
  type KeptMetadata,
  type MetadataSource,
  type NetworkRoot,
  TufError,
  type TrustedNetwork,
  keptRoot,
  refreshNetwork,
} from "@moult/trust/tuf";

/** Before anything can have expired. */
const EXPIRY_LEFT_OUT_MS = 0;

/** Where a walk ended. */
export interface Walked {
  /** The newest files, verified. */
  readonly kept: KeptMetadata;
  readonly root: NetworkRoot;
  /** Undefined where no more than roots is published. */
  readonly network: TrustedNetwork | undefined;
}

/** Walks from what is trusted through what the source has. Throws TufError. */
export async function walk(from: KeptMetadata, source: MetadataSource): Promise<Walked> {
  let kept = from;
  let empty = false;
  const store = {
    load: async () => kept,
    save: async (next: KeptMetadata) => {
      kept = next;
    },
  };
  const watched: MetadataSource = {
    fetch: async (file, bytesMax) => {
      const bytes = await source.fetch(file, bytesMax);
      if (file.role === "timestamp" && bytes === undefined) empty = true;
      return bytes;
    },
  };
  try {
    const network = await throughAllRoots(() => refreshNetwork({ source: watched, store }, EXPIRY_LEFT_OUT_MS));
    return { kept, root: network.root, network };
  } catch (error) {
    // The roots were walked, and there is nothing beyond them yet.
    if (error instanceof TufError && empty) return { kept, root: keptRoot(kept), network: undefined };
    throw error;
  }
}

/** A refresh walks so many roots and keeps them; the next one goes on from there. */
async function throughAllRoots<T>(refresh: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await refresh();
    } catch (error) {
      if (!(error instanceof TufError && error.code === "ROOTS_TOO_MANY")) throw error;
    }
  }
}
