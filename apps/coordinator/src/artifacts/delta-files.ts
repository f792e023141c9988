/**
 * Deltas on the coordinator's disk: `{old}-{new}` by the digests of the parts between which they are, and `{new}` for
 * parts that are merely packed. Whether a delta makes what it says only a device finds out, which verifies the result;
 * here it is seen to that it is a delta, between the parts of its name, for a part that is here.
 */
import { DeltaError, HEAD_BYTES_MAX, checkExpected, readHead } from "@moult/delta";
import type { PartFiles } from "./part-files.ts";
import { type Judge, Shelf, type Upload } from "./shelf.ts";

const NAME = /^(?:([0-9a-f]{64})-)?([0-9a-f]{64})$/;

/** The deltas. */
export class DeltaFiles extends Shelf {
  readonly #parts: PartFiles;

  constructor(folder: string, parts: PartFiles) {
    super(folder, NAME);
    this.#parts = parts;
  }

  override async write(name: string, length: number, bytes: AsyncIterable<Uint8Array>): Promise<Upload> {
    const [, oldDigest, digest = ""] = NAME.exec(name) ?? [];
    const lengthBytes = this.#parts.length(digest);
    if (lengthBytes === undefined) return "PART_MISSING";
    return this.store(name, length, bytes, this.#judge(oldDigest, { digest, lengthBytes }, length));
  }

  #judge(
    oldDigest: string | undefined,
    part: { readonly digest: string; readonly lengthBytes: number },
    length: number,
  ): Judge {
    const beginning: Uint8Array[] = [];
    let heldBytes = 0;
    return {
      take(piece) {
        if (heldBytes >= HEAD_BYTES_MAX) return;
        beginning.push(new Uint8Array(piece.subarray(0, HEAD_BYTES_MAX - heldBytes)));
        heldBytes += beginning.at(-1)?.length ?? 0;
      },
      flaw: () => {
        try {
          const head = readHead(Buffer.concat(beginning));
          // The old part need not be here any more; then its length is taken from the delta.
          const oldBytes = oldDigest === undefined ? undefined : (this.#parts.length(oldDigest) ?? head.oldBytes);
          const old =
            oldDigest === undefined || oldBytes === undefined
              ? undefined
              : { digest: oldDigest, lengthBytes: oldBytes };
          checkExpected(head, { ...part, old });
          return head.deltaBytes === length ? undefined : "DELTA_WRONG";
        } catch (error) {
          if (error instanceof DeltaError) return "DELTA_WRONG";
          throw error;
        }
      },
    };
  }
}
