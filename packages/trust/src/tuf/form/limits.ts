/** Bounds of everything that is read. The library's own are larger, and what is signed may raise them; these it may not. */
import type { JsonBounds } from "./strict-json.ts";

/** The largest file of each role, in bytes. A root names at most a few dozen keys, an allowlist a few hundred builds. */
export const BYTES_MAX = { root: 65_536, timestamp: 16_384, snapshot: 16_384, targets: 1_048_576 } as const;

/** Depth: the deepest place is `signed.targets.*.custom.cohort.steps[].share_ppm`. Values: some 40 a build. */
export const JSON_BOUNDS: JsonBounds = { depthMax: 12, valuesMax: 50_000 };

/** Signatures on one file: the old and the new members of a role that changed. */
export const SIGNATURES_MAX = 128;

/** Keys in one root. The library's work grows with their square before it has looked at a signature. */
export const KEYS_MAX = 128;

/** Builds on one allowlist. */
export const BUILDS_MAX = 512;

/** New roots that one refresh walks: years of rotations; the next refresh goes on from there. */
export const ROOTS_MAX = 256;
