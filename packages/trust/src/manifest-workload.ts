/** Reads what a manifest says of the workload. */
import { ManifestError } from "./errors.ts";
import { fieldsOf, readInteger, readList, readPath, readPattern } from "./manifest-fields.ts";
import { isObject } from "./encoding.ts";
import type { ManifestWorkload, TrialRule } from "./build-manifest.ts";

const COMMAND_WORDS_MAX = 64;

/** 1 to 1,024 characters without control characters: no process takes a NUL, and no log a line break. */
const WORD = /^[^\p{Cc}]{1,1024}$/u;

/** An hour: a trial that takes longer holds back the fleet. */
const TRIAL_MS_MAX = 3_600_000;

/** The workload. Throws ManifestError. */
export function readWorkload(value: unknown): ManifestWorkload {
  const kind = isObject(value) ? value["kind"] : undefined;
  switch (kind) {
    case "work-service": {
      const fields = fieldsOf(value, "workload", ["kind", "command", "health_timeout_ms", "soak_ms"]);
      const command = readList(fields["command"], "workload.command", 1, COMMAND_WORDS_MAX).map((word, index) =>
        readPattern(word, `workload.command[${index}]`, WORD, "must be 1 to 1,024 characters, no control characters"),
      );
      return { kind, command, ...readTrial(fields) };
    }
    case "hooks": {
      const fields = fieldsOf(value, "workload", ["kind", "hooks_dir", "health_timeout_ms", "soak_ms"]);
      return { kind, hooks_dir: readPath(fields["hooks_dir"], "workload.hooks_dir"), ...readTrial(fields) };
    }
    case "none":
      return { kind, ...readTrial(fieldsOf(value, "workload", ["kind", "health_timeout_ms", "soak_ms"])) };
    default:
      throw new ManifestError("VALUE_INVALID", "workload.kind", "is not work-service, hooks or none");
  }
}

function readTrial(fields: Record<string, unknown>): TrialRule {
  return {
    health_timeout_ms: readInteger(fields["health_timeout_ms"], "workload.health_timeout_ms", 1, TRIAL_MS_MAX),
    soak_ms: readInteger(fields["soak_ms"], "workload.soak_ms", 0, TRIAL_MS_MAX),
  };
}
