/**
 * The audit log as bytes: trees, tiles, notes, checkpoints, cosignatures, leaves, and the checks of all of them. Pure; no
 * file, clock or socket. Who keeps a log and who re-checks one both build on this.
 */
export { type AuditCounts, type AuditorParts, LogAuditor } from "./auditor.ts";
export {
  type Checkpoint,
  type SignedCheckpoint,
  openCheckpoint,
  parseCheckpoint,
  signCheckpoint,
  unverifiedOrigin,
} from "./checkpoint.ts";
export { type Cosigned, cosign, openCosignature, requireWitnesses } from "./cosignature.ts";
export { type GrownTile, TreeEdge, edgeTiles } from "./edge.ts";
export { AuditError, type AuditErrorCode } from "./errors.ts";
export { EMPTY_ROOT, HASH_BYTES, leafHash, sameHash } from "./hash.ts";
export {
  BODY_BYTES_MAX,
  type Leaf,
  type LeafBody,
  type WrittenLeaf,
  canonicalJson,
  readLeaf,
  writeCanonicalLeaf,
  writeLeaf,
} from "./leaf.ts";
export {
  NOTE_BYTES_MAX,
  type Note,
  type NoteSignature,
  type VerifierKey,
  formatSignatures,
  formatVkey,
  parseNote,
  parseSignatures,
  parseVkey,
  verifierKey,
} from "./note.ts";
export { type Run, type Subtree, consistencyPlan, fold, inclusionPlan, rootPlan } from "./plan.ts";
export { type ConsistencyClaim, type InclusionClaim, verifyConsistency, verifyInclusion } from "./proof.ts";
export {
  BUNDLE_BYTES_MAX,
  TILE_WIDTH,
  type Tile,
  hashInTile,
  parseTilePath,
  readBundle,
  tileOf,
  tilePath,
  tileWidth,
  writeBundle,
} from "./tile.ts";
export { type VectorResult, runProofVectors } from "./vectors.ts";
export {
  REQUEST_BYTES_MAX,
  SIZE_CONTENT_TYPE,
  type WitnessAnswer,
  type Witnessed,
  addSignatures,
  checkpointBytes,
  decideAddCheckpoint,
  formatAddCheckpoint,
} from "./witness.ts";
