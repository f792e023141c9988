/**
 * The wire contract as code: generated messages (`./v1`, `./work`), and the one adapter that binds protobuf-es services
 * to grpc-js. It may not decide anything, and it imports no other package of Moult.
 */
export { type Client, type CallOptions, createClient } from "./client.ts";
export { bufferOf, methodDefinition } from "./definition.ts";
export {
  type ErrorDetails,
  type FieldViolation,
  DETAILS_KEY,
  ERROR_DOMAIN,
  RelayedError,
  RpcError,
  readRpcError,
} from "./errors.ts";
export { type Collection, formatName, parseName } from "./names.ts";
export { type ClientCertificate, type SecureChannel, secureChannel } from "./secure-channel.ts";
export { bindService } from "./server.ts";
export {
  type BindOptions,
  type Call,
  type CallMetadata,
  type GivesEach,
  type Implementation,
  type Interceptor,
  type OnDefect,
  takeEach,
} from "./service.ts";
export {
  type BrakeBody,
  type OverrideBody,
  type StatementFacts,
  StatementPayloadError,
  readBrakeStatement,
  readOverrideStatement,
  writeBrakeStatement,
  writeOverrideStatement,
} from "./statements.ts";
export { type Served, type WireHandlers, WireImplementation, readRequest, servedAs } from "./wire.ts";
