/**
 * What is published, verified by the publisher itself from its own root on, as a device would but for time: the files may
 * have expired, for renewing them is what a publisher is for.
 */
import { type MetadataSource, TufError, headIn, refresh } from "@moult/trust/tuf";
import type { PublisherMemory } from "./memory.ts";

/** What is published now. */
export interface Published {
  /** The newest root. */
  readonly root: Uint8Array;
  /** What the next versions count from; absent where nothing is published that this root's publisher signed. */
  readonly previous?: { readonly snapshot: Uint8Array; readonly timestamp: Uint8Array };
  /** The list; absent where there is none, or the root's council did not sign it. */
  readonly targets?: Uint8Array;
  /** Whether something is published by keys that the root does not name any more. */
  readonly byOthers: boolean;
}

/** Reads what is published. Throws TufError; what was verified until then is remembered. */
export async function readPublished(source: MetadataSource, memory: PublisherMemory): Promise<Published> {
  const store = memory;
  try {
    // At time 0 nothing has expired; order and signatures are judged all the same.
    await throughAllRoots(() => refresh({ source, store }, 0));
  } catch (error) {
    if (!(error instanceof TufError)) throw error;
    return afterFailure(error, memory);
  }
  return { ...heldBy(memory), byOthers: false };
}

/** One refresh walks 256 roots at most and keeps them; the next one goes on from there. */
export async function throughAllRoots<T>(walk: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await walk();
    } catch (error) {
      if (!(error instanceof TufError && error.code === "ROOTS_TOO_MANY")) throw error;
    }
  }
}

/** Some walks end early for a reason that a publisher can mend. Throws the error where it is none of these. */
function afterFailure(error: TufError, memory: PublisherMemory): Published {
  const { root, timestamp } = memory.kept();
  const { code, role } = error;
  if (code === "NOT_FOUND" && role === "timestamp" && timestamp === undefined) return { root, byOthers: false };
  const online = role === "timestamp" || role === "snapshot";
  // The publisher's keys were replaced: the new ones begin anew, and devices forget what the old ones counted.
  if (code === "SIGNATURES_TOO_FEW" && online) {
    // Which list holds is then said by the publisher's memory or by a person, never by the coordinator alone.
    const { targets } = heldBy(memory);
    return { root, ...(targets === undefined ? {} : { targets }), byOthers: true };
  }
  // The council's keys were replaced: a list by the new council takes the place of the old one.
  if (code === "SIGNATURES_TOO_FEW" && role === "targets") {
    const { targets: _, ...rest } = heldBy(memory);
    return { ...rest, byOthers: false };
  }
  throw error;
}

function heldBy(memory: PublisherMemory): Omit<Published, "byOthers"> {
  const { root, snapshot, timestamp, targets } = memory.kept();
  const list = targets.get("targets");
  return {
    root,
    ...(snapshot === undefined || timestamp === undefined ? {} : { previous: { snapshot, timestamp } }),
    ...(list === undefined ? {} : { targets: list }),
  };
}

/** The version of a metadata file; 0 for none. */
export function versionIn(file: Uint8Array | undefined): number {
  return file === undefined ? 0 : headIn(file).version;
}
