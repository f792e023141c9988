/**
 * Turns whatever a command threw into an exit code and lines for people. The one place where errors of the contract, of
 * trust and of the file system get their words; what is not known here is a defect and says so, without a stack trace
 * unless MOULT_DEBUG is set.
 */
import { readRpcError } from "@moult/contracts";
import { KeyError, ManifestError, TrustError } from "@moult/trust";
import { AuditError } from "@moult/trust/audit";
import { StatementError } from "@moult/trust/statement";
import { TufError } from "@moult/trust/tuf";
import { status } from "@grpc/grpc-js";
import { CommanderError } from "commander";
import { adviceFor } from "./advice.ts";
import { CliError } from "./errors.ts";
import type { FailureKind } from "./exit-codes.ts";
import { printable } from "./output/text.ts";

/** What is told of a failure. */
export interface Failure {
  readonly kind: FailureKind;
  /** The first says what went wrong; the others are indented beneath it. */
  readonly lines: readonly string[];
}

/** The failure an error stands for; undefined where the error only ends a command that went well (`--help`). */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof CliError) return { kind: error.kind, lines: [error.message, ...error.advice] };
  if (error instanceof CommanderError) return ofCommander(error);
  if (isRefusedProof(error)) {
    return { kind: "VERIFICATION", lines: [`${error.message} (${error.code})`] };
  }
  if (error instanceof KeyError) return { kind: "USAGE", lines: [error.message] };
  if (isRpcFailure(error)) return ofRpc(error);
  if (isFileFailure(error)) return { kind: "USAGE", lines: [fileSentence(error)] };
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    kind: "UNEXPECTED",
    lines: [`unexpected error: ${what}`, "This is a defect. MOULT_DEBUG=1 shows where it happened."],
  };
}

/** Something that had to prove itself and did not. */
function isRefusedProof(error: unknown): error is Error & { readonly code: string } {
  return [TrustError, ManifestError, AuditError, TufError, StatementError].some((kind) => error instanceof kind);
}

/** The parser has already written its message, and the help where it was asked for. */
function ofCommander(error: CommanderError): Failure | undefined {
  return error.exitCode === 0 ? undefined : { kind: "USAGE", lines: [] };
}

interface RpcFailure extends Error {
  readonly code: status;
  readonly details: string;
}

function isRpcFailure(error: unknown): error is RpcFailure {
  return error instanceof Error && "details" in error && "code" in error && typeof error.code === "number";
}

/** What grpc-js adds to a failed connection even where it has nothing to add. */
const EMPTY_NOTE = / Resolution note: *$/;

function ofRpc(error: RpcFailure): Failure {
  const { reason, violations, retryAfterMs } = readRpcError(error);
  const kind = kindOfStatus(error.code);
  const said = printable(error.details === "" ? status[error.code] : error.details.replace(EMPTY_NOTE, ""));
  const lines = [reason === "" ? `${said} (${status[error.code]})` : `${said} (${printable(reason)})`];
  for (const { field, description } of violations) {
    const line = printable(`${field}: ${description}`);
    // A single violation is often the message itself.
    if (said !== line) lines.push(line);
  }
  if (retryAfterMs !== undefined) lines.push(`Try again in ${Math.ceil(retryAfterMs / 1000)} s.`);
  lines.push(...adviceFor(reason));
  if (kind === "UNREACHABLE" && reason === "") {
    lines.push(
      error.details.includes("certificate")
        ? "The coordinator's certificate was not trusted. Give its authority: --ca FILE"
        : "Is it running, and is this its address? --coordinator HOST:PORT, or --state-dir DIR",
    );
  }
  return { kind, lines };
}

function kindOfStatus(code: status): FailureKind {
  switch (code) {
    case status.NOT_FOUND:
      return "NOT_FOUND";
    case status.UNAVAILABLE:
    case status.DEADLINE_EXCEEDED:
      return "UNREACHABLE";
    case status.CANCELLED:
      return "CANCELLED";
    case status.OK:
    case status.UNKNOWN:
    case status.INTERNAL:
    case status.DATA_LOSS:
      return "UNEXPECTED";
    case status.INVALID_ARGUMENT:
    case status.ALREADY_EXISTS:
    case status.PERMISSION_DENIED:
    case status.RESOURCE_EXHAUSTED:
    case status.FAILED_PRECONDITION:
    case status.ABORTED:
    case status.OUT_OF_RANGE:
    case status.UNIMPLEMENTED:
    case status.UNAUTHENTICATED:
      return "REFUSED";
    default:
      return "UNEXPECTED";
  }
}

/** Sentences for the failures of files that people meet; others keep the system's own. */
const FILE_SENTENCES: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EACCES: "permission denied",
  EPERM: "not permitted",
  EEXIST: "it exists already",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is no folder",
  ENOSPC: "the disk is full",
  EROFS: "the disk is read-only",
};

function isFileFailure(error: unknown): error is NodeJS.ErrnoException & { readonly path: string } {
  return error instanceof Error && "syscall" in error && "path" in error && typeof error.path === "string";
}

function fileSentence(error: NodeJS.ErrnoException & { readonly path: string }): string {
  return `${error.path}: ${FILE_SENTENCES[error.code ?? ""] ?? error.message}`;
}
