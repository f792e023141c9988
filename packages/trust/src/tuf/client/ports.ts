/** What a refresh needs of the world. Only `main` of an app builds these; clock and chance are not among them. */

/** Which file is wanted. Without a version: the newest. */
export interface FileName {
  /** `root`, `timestamp`, `snapshot`, `targets`, or a delegated role's name. */
  readonly role: string;
  readonly version?: number;
}

/** Where new metadata comes from: a coordinator's channel, or a mirror. Nothing it says is believed. */
export interface MetadataSource {
  /**
   * The file's bytes; undefined where there is none. It must stop after `bytesMax` bytes and after a deadline of its own.
   * Whatever it throws becomes the cause of a TufError SOURCE_FAILED.
   */
  fetch(file: FileName, bytesMax: number): Promise<Uint8Array | undefined>;
}

/** Files that were verified, as they came. */
export interface KeptMetadata {
  readonly root: Uint8Array;
  /** Every root that was walked since the first, in order, `root` the last; none where `root` is the first. */
  readonly roots?: readonly Uint8Array[];
  readonly timestamp?: Uint8Array;
  readonly snapshot?: Uint8Array;
  /** By role: `targets`, and delegated roles in plain TUF. */
  readonly targets: ReadonlyMap<string, Uint8Array>;
}

/** Where verified metadata lives between refreshes. */
export interface MetadataStore {
  /** What was kept last; before the first refresh, the root that the device was flashed with. */
  load(): Promise<KeptMetadata>;
  /** Keeps all of it, or none: one atomic replacement. */
  save(kept: KeptMetadata): Promise<void>;
}

/** The file's name on a mirror: `7.root.json`, `timestamp.json`. */
export function fileNameOf({ role, version }: FileName): string {
  const name = `${encodeURIComponent(role)}.json`;
  return version === undefined ? name : `${version}.${name}`;
}
