/**
 * Re-checks a whole log from outside: everything is downloaded again and worked out anew. Says what it checked; throws
 * AuditError, or CliError VERIFICATION, at the first thing that is not as it must be.
 */
import { digestOf } from "@moult/trust";
import {
  AuditError,
  type Checkpoint,
  type Cosigned,
  type Leaf,
  LogAuditor,
  type SignedCheckpoint,
  TILE_WIDTH,
  openCheckpoint,
  requireWitnesses,
  tileWidth,
} from "@moult/trust/audit";
import { type LogSource, REQUESTS_MAX } from "./log-source.ts";
import type { LogSettings } from "./options.ts";

/** What was checked. */
export interface VerifiedLog {
  readonly checkpoint: SignedCheckpoint;
  readonly cosigned: readonly Cosigned[];
  /** By pool, how many leaves it has, numbered without a gap. */
  readonly pools: ReadonlyMap<string, number>;
  /** Tiles of all levels that were compared. */
  readonly tiles: number;
  /** Bodies beside the entries that were compared. */
  readonly bodies: number;
  readonly entryBytes: number;
}

/** What may be asked for beside the check. */
export interface VerifyMore {
  /** The network that every leaf must be of. */
  readonly network?: string | undefined;
  /** Trees that were seen before; the log must begin with each of them. */
  readonly saved?: readonly Pick<Checkpoint, "size" | "root">[];
  readonly onLeaf?: ((leaf: Leaf, index: number, entry: Uint8Array) => void) | undefined;
  readonly onProgress?: (leaves: number, total: number) => void;
}

/** The newest checkpoint, signed by the log and by enough witnesses. */
export async function fetchCheckpoint(
  source: LogSource,
  { key, witnesses, quorum }: LogSettings,
): Promise<{ readonly checkpoint: SignedCheckpoint; readonly cosigned: readonly Cosigned[] }> {
  const checkpoint = openCheckpoint(await source.checkpoint(), key);
  if (checkpoint.extensions.length > 0) {
    throw new AuditError("CHECKPOINT_INVALID", "The checkpoint has lines that nobody can check.");
  }
  return { checkpoint, cosigned: requireWitnesses(checkpoint.note, witnesses, quorum) };
}

/** Checks the whole log. */
export async function verifyLog(source: LogSource, settings: LogSettings, more: VerifyMore = {}): Promise<VerifiedLog> {
  const { checkpoint, cosigned } = await fetchCheckpoint(source, settings);
  const { size } = checkpoint;
  const apart = new Map<string, number>();
  let entryBytes = 0;
  const auditor = new LogAuditor({
    network: more.network,
    checkpoints: [checkpoint, ...(more.saved ?? [])],
    onLeaf(leaf, index, entry) {
      entryBytes += entry.length;
      if ("digest" in leaf.body) apart.set(leaf.body.digest, leaf.body.lengthBytes);
      more.onLeaf?.(leaf, index, entry);
    },
  });
  let tiles = 0;
  for await (const { tile, bundle } of bundlesFrom(source, 0, size)) {
    const above = auditor.addBundle(tile, bundle);
    for (const expected of above) {
      const { level, index } = expected;
      auditor.compareTile(expected, await source.tile({ level, index, width: TILE_WIDTH }));
    }
    tiles += 1 + above.length;
    more.onProgress?.(auditor.counts.leaves, size);
  }
  for (const expected of auditor.partialTiles()) {
    const { level, index } = expected;
    auditor.compareTile(expected, await source.tile({ level, index, width: tileWidth(level, index, size) }));
    tiles += 1;
  }
  const { pools } = auditor.finish();
  for (const [digest, lengthBytes] of apart) await checkBody(source, digest, lengthBytes);
  return { checkpoint, cosigned, pools, tiles, bodies: apart.size, entryBytes };
}

/** A bundle and the tile over it. */
interface Bundle {
  readonly index: number;
  readonly tile: Uint8Array;
  readonly bundle: Uint8Array;
}

/** The bundles from the one that holds leaf `first` to the end of the tree, in order; the next ones are on their way. */
export async function* bundlesFrom(source: LogSource, first: number, size: number): AsyncGenerator<Bundle> {
  const last = Math.ceil(size / TILE_WIDTH) - 1;
  const fetchOne = async (index: number): Promise<Bundle> => {
    const width = tileWidth(0, index, size);
    const [tile, bundle] = await Promise.all([
      source.tile({ level: 0, index, width }),
      source.tile({ level: "entries", index, width }),
    ]);
    return { index, tile, bundle };
  };
  const running: Promise<Bundle>[] = [];
  let next = Math.floor(first / TILE_WIDTH);
  try {
    for (;;) {
      while (running.length < REQUESTS_MAX && next <= last) {
        running.push(fetchOne(next));
        next += 1;
      }
      const bundle = running.shift();
      if (bundle === undefined) return;
      yield await bundle;
    }
  } finally {
    // Those that were on their way when somebody had enough may fail unheard.
    await Promise.allSettled(running);
  }
}

async function checkBody(source: LogSource, digest: string, lengthBytes: number): Promise<void> {
  const body = await source.body(digest, lengthBytes);
  if (body.length === lengthBytes && digestOf(body) === digest) return;
  throw new AuditError("TREE_MISMATCH", `The body ${digest} is not what its leaf says.`);
}
