/** A coordinator in memory: gives leave to whoever asks for it, in the order of the contract, for the build of its choice. */
import type { AskInput, Coordinator, CoordinatorAnswer, ReportInput, Verdict } from "@moult/agent/inside";
import { type CrashBuild, offerOf } from "../builds.ts";

/** What the fleet's side wants and has heard. */
export interface Fleet {
  /** The build this device is to move to; undefined where it is to stay. */
  readonly wanted: (ask: AskInput) => CrashBuild | undefined;
  /** Hears each report. */
  readonly onReport: (report: ReportInput) => void;
}

/** A permit's times, in milliseconds. */
const PERMIT = { expiresInMs: 120_000, drainGraceMs: 60_000 } as const;

const STAY: Verdict = { decision: "STAY", retryAfterMs: 5_000, message: "nothing to do" };

function answer(verdict: Verdict): CoordinatorAnswer {
  return { verdict, brakes: [], timestampVersion: 1 };
}

/** The coordinator. */
export function createCoordinator({ wanted, onReport }: Fleet): Coordinator {
  return {
    async ask(input) {
      const build = wanted(input);
      if (build === undefined || build.digest === input.running.digest) return answer(STAY);
      const target = offerOf(build);
      if (input.stagedDigest !== build.digest) {
        return answer({ decision: "PREPARE", target, message: "pull" });
      }
      const phase = input.drained ? "AWAY" : "DRAINING";
      const permit = { permitId: `permit-${build.manifest.version}`, phase, ...PERMIT } as const;
      return answer({ decision: "GO", target, permit, message: "go" });
    },
    async report(input) {
      onReport(input);
      return "SERVING";
    },
    attend() {},
    close() {},
  };
}
