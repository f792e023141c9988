/**
 * By which ways a part can travel, the one with the fewest bytes first: as a delta from a part at the same place in a
 * build that is here, packed, as it is. Whatever way it takes, the same bytes have to come of it.
 */
import { DeltaError, PART_BYTES_MIN } from "@moult/delta";
import { DiskError, type PartEntry, type SlotContents, type SlotStore } from "@moult/slots";
import { DeltaSink } from "./delta-sink.ts";
import type { Target, Way } from "./pull.ts";
import type { Sink } from "./source.ts";

/** So many parts to start from are tried; a mirror has deltas from the last releases, if any. */
const OLD_PARTS_MAX = 2;

/** The ways for `part`. `builds` are those here, the one that runs first. */
export function waysOf(part: PartEntry, builds: readonly SlotContents[], store: SlotStore): readonly Way[] {
  const plain: Way = {
    path: `/v1/parts/${part.digest}`,
    bytesMax: part.lengthBytes,
    optional: false,
    into: (target) => plainSink(target, part.lengthBytes),
  };
  if (part.lengthBytes < PART_BYTES_MIN) return [plain];
  const deltas = oldPartsOf(part, builds).map((old) =>
    deltaWay(`/v1/deltas/${old.digest}-${part.digest}`, part, old, store),
  );
  return [...deltas, deltaWay(`/v1/packed/${part.digest}`, part, undefined, store), plain];
}

/** A sink for bytes that travel as they are. */
export function plainSink(target: Target, lengthBytes: number | undefined): Sink {
  return {
    get receivedBytes() {
      return target.receivedBytes;
    },
    lengthBytes,
    write: (bytes) => target.write(bytes),
  };
}

function deltaWay(path: string, part: PartEntry, old: PartEntry | undefined, store: SlotStore): Way {
  const { digest, lengthBytes } = part;
  return {
    path,
    // One that is no shorter than the part is none.
    bytesMax: lengthBytes,
    optional: true,
    into: (target) =>
      new DeltaSink({ old, digest, lengthBytes }, target, (offsetBytes, into) =>
        readOld(store, old?.digest ?? "", offsetBytes, into),
      ),
  };
}

/** A part here that cannot be read is no reason not to take the new one whole. */
async function readOld(store: SlotStore, digest: string, offsetBytes: number, into: Uint8Array): Promise<number> {
  try {
    return await store.readPart(digest, offsetBytes, into);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    throw new DeltaError("OLD_UNREADABLE", "the part that the delta starts from cannot be read", error);
  }
}

function oldPartsOf(part: PartEntry, builds: readonly SlotContents[]): readonly PartEntry[] {
  const found = new Map<string, PartEntry>();
  for (const { parts } of builds) {
    const old = parts.find(({ path }) => path === part.path);
    if (old !== undefined && old.digest !== part.digest) found.set(old.digest, old);
  }
  return [...found.values()].slice(0, OLD_PARTS_MAX);
}
