/**
 * The pure decisions of Moult: three gates, the ledger that composes them, and the words both are written in. No clock,
 * randomness, network, disk or message of the wire contract in here; it imports no other package of Moult.
 */
export type * from "./domain/dial.ts";
export type * from "./domain/node.ts";
export type * from "./domain/outcome.ts";
export type * from "./domain/override.ts";
export type * from "./domain/permit.ts";
export type * from "./domain/release.ts";
export { withList } from "./domain/release.ts";
export {
  type HostFacts,
  HOST_NUMBERS,
  type HostNumbers,
  NO_SITUATION,
  type Situation,
  type WorkState,
  hostFacts,
  hostNumbers,
} from "./domain/situation.ts";
export type * from "./domain/verdict.ts";
export { type AllowlistInput, allowlistGate } from "./gates/allowlist.ts";
export { type CapacityInput, capacityGate, capacityNeedMilli } from "./gates/capacity.ts";
export { type DialInput, dialGate } from "./gates/dial.ts";
export { isWithinPpm, sharePosition } from "./gates/share.ts";
export {
  addOverride,
  applyList,
  endOverride,
  publish,
  readmit,
  recall,
  setBrake,
  setDial,
  setSignedBrakes,
} from "./ledger/administer.ts";
export { type AskEvent, ask } from "./ledger/ask.ts";
export type { Change, Effect, Step } from "./ledger/changes.ts";
export { POOL_DEFAULTS, type PoolConfig } from "./pool/config.ts";
export { type Explanation, explain } from "./ledger/explain.ts";
export {
  type Ledger,
  type LedgerConfig,
  type RetryConfig,
  type Tally,
  admit,
  adopt,
  createLedger,
  memberOf,
  poolOf,
  stateOf,
} from "./ledger/ledger.ts";
export { hold } from "./ledger/permits.ts";
export { HORIZONS_MIN, RISK_DEFAULTS, type RiskConfig } from "./pool/risk.ts";
export { vanish } from "./ledger/vanish.ts";
export { type Member, Pool } from "./pool/pool.ts";
export { type ReportEvent, report } from "./ledger/report.ts";
export type { Origin } from "./ledger/situation.ts";
export { tick } from "./ledger/tick.ts";
export { Alike } from "./table/alike.ts";
export { type Columns, type Manner, type Origin as NodeOrigin, columnsFor } from "./table/columns.ts";
export { NodeView, type Rest } from "./table/node-view.ts";
export { originOf } from "./table/node-table.ts";
export { CLAIM_MAX_RPS, fromMilli } from "./pool/units.ts";
