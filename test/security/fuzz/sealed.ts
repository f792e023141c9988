/** A document with its seal, made here so that the seal's own code is not what makes the tests of it. */
import { createHash } from "node:crypto";

/** The document behind `moult-sealed/v1` and its SHA-256. */
export function sealed(body: Uint8Array): Uint8Array {
  const hash = createHash("sha256").update(body).digest("hex");
  return Buffer.concat([Buffer.from(`moult-sealed/v1 ${hash}\n`, "latin1"), body]);
}
