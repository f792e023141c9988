/** The time that stands in a build which a quorum signed. Pure; a word without enough signatures counts for nothing. */
import { type Council, TrustError, verifySignedManifest } from "@moult/trust";

/** Milliseconds since 1970; undefined where the build says none or is not approved. */
export function signedTimeMs(envelope: Uint8Array, council: Council): number | undefined {
  try {
    const { built_at_s: builtAtS } = verifySignedManifest(envelope, council).manifest;
    return builtAtS === undefined ? undefined : builtAtS * 1_000;
  } catch (error) {
    if (error instanceof TrustError) return undefined;
    throw error;
  }
}
