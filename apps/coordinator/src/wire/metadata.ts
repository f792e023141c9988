/** Metadata and signed brakes as the contract shows them, and what refusals of them look like. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { RpcError } from "@moult/contracts";
import {
  type BrakeNoticeSchema,
  ErrorReason,
  type GetMetadataStatusResponseSchema,
  type SignedBrakeSchema,
} from "@moult/contracts/v1";
import type { Brake } from "@moult/policy";
import { StatementError } from "@moult/trust/statement";
import { TufError } from "@moult/trust/tuf";
import type { BrakeStatement, MetadataRole } from "../store/port.ts";
import type { Carried } from "../trust/carried.ts";
import { DoesNotFollow, NotCarried } from "../trust/publication.ts";
import { writeTime } from "./time.ts";

/** As the contract says of one publication. */
const FILES = { max: 64, bytesMax: 3 * 1024 * 1024 };

const ROLES: readonly MetadataRole[] = ["root", "targets", "snapshot", "timestamp"];

/** The role of that name; undefined where there is none. */
export function roleOf(name: string): MetadataRole | undefined {
  return ROLES.find((role) => role === name);
}

/** Throws METADATA_INVALID where there are too few files, too many, or too much of them. */
export function requireBounded(files: readonly Uint8Array[]): void {
  const bytes = files.reduce((sum, file) => sum + file.length, 0);
  if (files.length === 0 || files.length > FILES.max) throw invalid(`files: 1 to ${FILES.max}`);
  if (bytes > FILES.bytesMax) throw invalid(`files: at most ${FILES.bytesMax} bytes together`);
}

/** What is published, in words. */
export function writeStatus(carried: Carried, now: number): MessageInitShape<typeof GetMetadataStatusResponseSchema> {
  const { heads, allowlist, staleFromMs, brakes } = carried;
  return {
    files: heads.map(({ role, version, expiresAtMs }) => ({
      role,
      version: BigInt(version),
      expireTime: writeTime(expiresAtMs),
    })),
    builds: allowlist?.builds.size ?? 0,
    brakes: brakes.inForce(now).map(writeSignedBrake),
    ...(staleFromMs === undefined ? {} : { staleTime: writeTime(staleFromMs) }),
  };
}

/** A breaker's brake. */
export function writeSignedBrake(brake: BrakeStatement): MessageInitShape<typeof SignedBrakeSchema> {
  return {
    digest: brake.digest,
    reason: brake.reason,
    issueTime: writeTime(brake.issuedAtMs),
    expireTime: writeTime(brake.expiresAtMs),
    breaker: brake.breaker,
    statement: brake.statement,
  };
}

/** What those who attend are told of brakes: whether any holds, why, and the statements of those that are signed. */
export function writeBrakeNotice(
  brake: Brake,
  carried: Carried,
  now: number,
): MessageInitShape<typeof BrakeNoticeSchema> {
  const [signed] = carried.brakes.inForce(now);
  return {
    engaged: brake.engaged || signed !== undefined,
    reason: brake.engaged || signed === undefined ? brake.reason : signed.reason,
    brakes: carried.brakes.forVerdict(now),
  };
}

/** What a publisher is told of files that were refused. Rethrows what is no refusal. */
export function refusalOf(error: unknown): RpcError {
  if (error instanceof TufError || error instanceof NotCarried) return invalid(error.message, error);
  if (!(error instanceof DoesNotFollow)) throw error;
  return new RpcError(status.FAILED_PRECONDITION, ErrorReason.METADATA_INVALID, error.message, { cause: error });
}

/** What a breaker is told of a statement that was refused. Rethrows what is no refusal. */
export function statementRefusalOf(error: unknown): RpcError {
  if (!(error instanceof StatementError)) throw error;
  return statementInvalid(error.message, error);
}

/** RESOURCE_EXHAUSTED for a brake that would be held nowhere; others hold already. */
export function brakesFull({ brakes }: Carried, now: number): RpcError {
  const held = brakes.inForce(now);
  const retryAfterMs = Math.min(...held.map(({ expiresAtMs }) => expiresAtMs)) - now;
  const message =
    `this brake is not held: ${held.length} hold, and a breaker has 8 at most, all breakers 64. ` +
    "Devices stay until the last of them ends or is lifted; what must hold for longer is handed in when there is room";
  return new RpcError(status.RESOURCE_EXHAUSTED, ErrorReason.OVERLOADED, message, { retryAfterMs });
}

/** STATEMENT_INVALID. */
export function statementInvalid(message: string, cause?: unknown): RpcError {
  return new RpcError(status.INVALID_ARGUMENT, ErrorReason.STATEMENT_INVALID, message, { cause });
}

function invalid(message: string, cause?: unknown): RpcError {
  return new RpcError(status.INVALID_ARGUMENT, ErrorReason.METADATA_INVALID, message, { cause });
}
