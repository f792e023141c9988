/** Parts on the coordinator's disk, by digest. What is uploaded is hashed on the way; so what has a name is that part. */
import { createHash } from "node:crypto";
import { Shelf, type Upload } from "./shelf.ts";

/** The parts. */
export class PartFiles extends Shelf {
  constructor(folder: string) {
    super(folder, /^[0-9a-f]{64}$/);
  }

  override write(digest: string, length: number, bytes: AsyncIterable<Uint8Array>): Promise<Upload> {
    const hash = createHash("sha256");
    return this.store(digest, length, bytes, {
      take: (piece) => void hash.update(piece),
      flaw: () => (hash.digest("hex") === digest ? undefined : "DIGEST_WRONG"),
    });
  }
}
