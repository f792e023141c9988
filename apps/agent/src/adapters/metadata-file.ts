/**
 * What the device was shown and has verified, as one file: the roots since the flashed one, timestamp, snapshot, allowlist, and the brakes that it
 * heard. Replaced at once or not at all, and written only where something is new. Judges nothing: whoever reads verifies.
 */
import { dirname, join } from "node:path";
import { type Disk, DiskError, seal, unseal } from "@moult/slots";
import type { KeptMetadata } from "@moult/trust/tuf";

/** Its content. */
export interface KeptTrust {
  readonly metadata: KeptMetadata;
  /** Signed brakes, as they came. */
  readonly brakes: readonly Uint8Array[];
}

/** What was found. */
export interface FoundTrust {
  /** Undefined where there is none that can be read. */
  readonly kept: KeptTrust | undefined;
  /** There is a file, and it cannot be read. */
  readonly damaged: boolean;
}

/**
 * The largest files of each role, as many brakes as are kept, and the roots that were walked (a thousand of them have some
 * 4 MiB), all in base64; what is longer is none, and is fetched anew from the flashed root on.
 */
const FILE_BYTES_MAX = 4_718_592 + 4_194_304;

/** Reads and writes the file at one path. */
export class MetadataFile {
  readonly #disk: Disk;
  readonly #path: string;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  /** What was kept last. A disk that cannot be read is as damaged as a file that makes no sense. */
  async read(): Promise<FoundTrust> {
    try {
      const bytes = await this.#disk.read(this.#path, FILE_BYTES_MAX);
      if (bytes === undefined) return { kept: undefined, damaged: false };
      const kept = decode(bytes);
      return { kept, damaged: kept === undefined };
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      return { kept: undefined, damaged: true };
    }
  }

  /** Returns once it is safe. Throws DiskError. */
  async write(kept: KeptTrust): Promise<void> {
    const folder = dirname(this.#path);
    const aside = join(folder, ".metadata-new");
    await this.#disk.removeFile(aside);
    const file = await this.#disk.create(aside, "plain");
    try {
      await file.write(encode(kept));
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#disk.rename(aside, this.#path);
    await this.#disk.syncFolder(folder);
  }
}

function encode({ metadata, brakes }: KeptTrust): Uint8Array {
  const { root, roots = [], timestamp, snapshot, targets } = metadata;
  const list = targets.get("targets");
  return seal({
    root: toText(root),
    roots: roots.map(toText),
    ...(timestamp && { timestamp: toText(timestamp) }),
    ...(snapshot && { snapshot: toText(snapshot) }),
    ...(list && { targets: toText(list) }),
    brakes: brakes.map(toText),
  });
}

function decode(bytes: Uint8Array): KeptTrust | undefined {
  const value = unseal(bytes);
  if (typeof value !== "object" || value === null) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  const root = fromText(fields["root"]);
  if (root === undefined) return undefined;
  const [timestamp, snapshot, targets] = ["timestamp", "snapshot", "targets"].map((name) => fromText(fields[name]));
  const [roots, brakes] = ["roots", "brakes"].map((name) => textsIn(fields[name]));
  return {
    metadata: {
      root,
      roots: roots ?? [],
      ...(timestamp && { timestamp }),
      ...(snapshot && { snapshot }),
      targets: new Map(targets === undefined ? [] : [["targets", targets]]),
    },
    brakes: brakes ?? [],
  };
}

function textsIn(value: unknown): readonly Uint8Array[] {
  return Array.isArray(value) ? value.flatMap((text) => fromText(text) ?? []) : [];
}

function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

function fromText(text: unknown): Uint8Array | undefined {
  return typeof text === "string" ? new Uint8Array(Buffer.from(text, "base64")) : undefined;
}
