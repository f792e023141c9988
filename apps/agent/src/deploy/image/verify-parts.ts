/** Whether a build directory holds what its manifest names: what is flashed is never fetched again. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { PartEntry } from "@moult/slots";
import { ImageError } from "./image-error.ts";

/** Reads every byte of every part in `folder`. Throws ImageError PART_WRONG. */
export async function verifyParts(parts: readonly PartEntry[], folder: string): Promise<void> {
  for (const { path, digest, lengthBytes } of parts) {
    const file = join(folder, digest);
    const hash = createHash("sha256");
    const { size } = await stat(file);
    await pipeline(createReadStream(file), hash);
    if (size !== lengthBytes || hash.digest("hex") !== digest) {
      throw new ImageError("PART_WRONG", `${file} is not the part ${path} that the manifest names.`);
    }
  }
}
