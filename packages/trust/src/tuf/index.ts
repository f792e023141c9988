/**
 * TUF as Moult speaks it. Devices call `refreshNetwork`; ceremonies make files with `repository/`, offline, and sign them
 * one member at a time. `Dialect` and `Refresh` are for the conformance command alone.
 */
export { type Dialect, MOULT } from "./client/dialect.ts";
export {
  type FileName,
  type KeptMetadata,
  type MetadataSource,
  type MetadataStore,
  fileNameOf,
} from "./client/ports.ts";
export { keptRoot, keptTimestampVersion, recallNetwork, walkRoots } from "./client/kept-network.ts";
export { type Discarded, Refresh, type RefreshPorts, type Refreshed, refresh } from "./client/refresh.ts";
export { type Session } from "./client/session.ts";
export { type TrustedNetwork, refreshNetwork } from "./client/trusted-network.ts";
export { TufError, type TufErrorCode } from "./errors.ts";
export { type AllowedBuild, type Allowlist } from "./form/allowlist.ts";
export {
  type CohortBound,
  type CohortStep,
  WHOLE_PPM,
  cohortPosition,
  cohortShare,
  withinCohort,
} from "./form/cohort-bound.ts";
export { ED25519_SCHEME, tufKeyId } from "./form/ed25519-scheme.ts";
export { NAMED_BRAKES_MAX, TIMESTAMP_LIFETIME_MAX_MS } from "./form/freshness.ts";
export type { Scheme, Schemes } from "./form/keys.ts";
export { BUILDS_MAX, BYTES_MAX } from "./form/limits.ts";
export { type NetworkRoot, type RoleMembers } from "./form/network-root.ts";
export { type AllowlistChange, initAllowlist, nextAllowlist } from "./repository/allowlist.ts";
export { type CouncilWord, allowedBuildOf } from "./repository/build-entry.ts";
export { type MetadataHead, allowlistIn, headIn, rootIn, timestampIn } from "./repository/content.ts";
export { mergeFiles, signFile } from "./repository/file.ts";
export { type Quorum, type SigningProgress, progressOf } from "./repository/progress.ts";
export { type Publication, publish, renewTimestamp } from "./repository/publish.ts";
export { type RootChange, type RootPlan, initRoot, rotateRoot } from "./repository/root.ts";
export { summaryOf } from "./repository/summary.ts";
