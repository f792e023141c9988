/** Reports between the contract and the core. */
import { create } from "@bufbuild/protobuf";
import {
  FailureReason as FailureReasonMessage,
  NodeState as NodeStateMessage,
  OutcomeKind,
  PermitPhase,
  type ReportRequest,
  type ReportResponse,
  ReportResponseSchema,
} from "@moult/contracts/v1";
import type { FailureReason, NodeState, OutcomeRecord, Permit, ReportEvent } from "@moult/policy";
import { Fields } from "./fields.ts";
import { readSituation } from "./situation.ts";

const ID = { min: 1, max: 64 };

/** Reads a report. Throws INVALID_ARGUMENT with every violation. */
export function readReport(message: ReportRequest, now: number): ReportEvent {
  const fields = new Fields();
  fields.check(message.sequence > 0n, "sequence", "must be 1 or more");
  const origin = {
    nodeId: fields.id("nodes", message.node, "node"),
    bootId: fields.text(message.bootId, "boot_id", ID),
    sequence: fields.counter(message.sequence, "sequence"),
  };
  const event = readBody(fields, message, now);
  fields.done();
  return { ...origin, ...event };
}

type Body = ReportEvent extends infer E
  ? E extends ReportEvent
    ? Omit<E, "nodeId" | "bootId" | "sequence">
    : never
  : never;

function readBody(fields: Fields, message: ReportRequest, now: number): Body {
  switch (message.report.case) {
    case "pulse": {
      const situation = fields.present(message.report.value.situation, "pulse.situation");
      return { kind: "pulse", situation: readSituation(fields, situation, "pulse.situation") };
    }
    case "progress": {
      const { permitId, phase, situation, runningDigest } = message.report.value;
      fields.digest(runningDigest, "progress.running_digest");
      return {
        kind: "progress",
        permitId: fields.text(permitId, "progress.permit_id", ID),
        phase: readPhase(fields, phase),
        situation: readSituation(fields, fields.present(situation, "progress.situation"), "progress.situation"),
      };
    }
    case "outcome": {
      const told = message.report.value;
      const outcome: OutcomeRecord = {
        kind: readKind(fields, told.kind),
        reason: readFailure(told.reason),
        targetDigest: fields.digest(told.targetDigest, "outcome.target_digest"),
        message: fields.text(told.message, "outcome.message", { min: 0, max: 512 }),
        atMs: now,
      };
      return {
        kind: "outcome",
        permitId: fields.text(told.permitId, "outcome.permit_id", { min: 0, max: 64 }),
        outcome,
        situation: readSituation(fields, fields.present(told.situation, "outcome.situation"), "outcome.situation"),
        running: {
          version: fields.text(told.runningVersion, "outcome.running_version", ID),
          digest: fields.digest(told.runningDigest, "outcome.running_digest"),
          releaseCounter: fields.counter(told.runningReleaseCounter, "outcome.running_release_counter"),
        },
      };
    }
    case undefined:
      return fields.present<Body>(undefined, "report");
  }
}

/** Writes the answer to a report. */
export function writeReportAnswer(state: NodeState): ReportResponse {
  return create(ReportResponseSchema, { state: NodeStateMessage[state] });
}

function readPhase(fields: Fields, phase: PermitPhase): Permit["phase"] {
  switch (phase) {
    case PermitPhase.DRAINING:
      return "DRAINING";
    case PermitPhase.AWAY:
      return "AWAY";
    case PermitPhase.RETURNED:
      return "RETURNED";
    default:
      fields.check(false, "progress.phase", "must be DRAINING, AWAY or RETURNED");
      return "DRAINING";
  }
}

function readKind(fields: Fields, kind: OutcomeKind): OutcomeRecord["kind"] {
  switch (kind) {
    case OutcomeKind.COMMITTED:
      return "COMMITTED";
    case OutcomeKind.REVERTED:
      return "REVERTED";
    case OutcomeKind.FAILED:
      return "FAILED";
    default:
      fields.check(false, "outcome.kind", "must be COMMITTED, REVERTED or FAILED");
      return "FAILED";
  }
}

/** A reason from a newer agent is kept as NONE; the outcome's sentence still says what happened. */
function readFailure(reason: FailureReasonMessage): FailureReason {
  const name = FailureReasonMessage[reason];
  return name === undefined || name === "UNSPECIFIED" ? "NONE" : (name as FailureReason);
}
