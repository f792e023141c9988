/** Signed statements outside TUF: brake, override, verdict receipt. */
export { type BrakeRules, type BrakesInForce, type IgnoredBrake, brakesInForce } from "./brake.ts";
export { PAYLOAD_BYTES_MAX, STATEMENT_BYTES_MAX } from "./envelope.ts";
export { StatementError, type StatementErrorCode } from "./errors.ts";
export { LIFETIME_MAX_MS, type StatementKind, payloadTypeOf } from "./kinds.ts";
export {
  type StatementContent,
  type StatementReader,
  type StatementRules,
  type VerifiedStatement,
  signStatement,
  verifyStatement,
} from "./statement.ts";
