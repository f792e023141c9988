/**
 * The Host port. What a glance at small files gives is enough for pulses; with asks, systeminformation is called, which
 * knows more kinds of hosts and starts processes for it; it runs in a process of its own, which ends at once.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Clock, Host, Log } from "../../ports.ts";
import type { HostFacts } from "../../situation.ts";
import { createGlance } from "./glance.ts";
import { STUDY_OPTION, parseStudy } from "./study.ts";

/** Studies closer together than this, in milliseconds, are one: a row of nudges must not start rows of processes. */
const STUDY_INTERVAL_MS = 10_000;

/** An ask does not wait longer than this for a study, in milliseconds. */
const STUDY_WAIT_MS = 2_000;

/** More than the facts take, in bytes. */
const OUTPUT_BYTES_MAX = 65_536;

/** A study that takes longer than this hangs, in milliseconds. */
const STUDY_MS_MAX = 30_000;

/** How this program was started: the study is the same program with another argument. */
export interface OwnProgram {
  readonly runtime: string;
  readonly options: readonly string[];
  readonly script: string;
}

/** The host that the device's folder is on. */
export function createHost(folder: string, clock: Clock, log: Log, { runtime, options, script }: OwnProgram): Host {
  const glance = createGlance(folder, clock.nowMs);
  let studied: HostFacts = {};
  let studiedAtMs = Number.NEGATIVE_INFINITY;
  const refresh = async (): Promise<void> => {
    try {
      // None of the agent's own variables: who looks for agents by them must not find this.
      const env = { PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin" };
      const limits = { env, timeout: STUDY_MS_MAX, killSignal: "SIGKILL", maxBuffer: OUTPUT_BYTES_MAX } as const;
      const { stdout } = await promisify(execFile)(runtime, [...options, script, STUDY_OPTION], limits);
      studied = parseStudy(stdout);
    } catch (error) {
      // An ask without these facts is worth more than no ask.
      log.warn({ err: error }, "the host could not be studied");
    }
  };
  return {
    async glance() {
      const { osRelease } = studied;
      return { ...(await glance()), ...(osRelease !== undefined && { osRelease }) };
    },
    async study() {
      if (clock.nowMs() - studiedAtMs >= STUDY_INTERVAL_MS) {
        studiedAtMs = clock.nowMs();
        const waited = new AbortController();
        await Promise.race([refresh(), clock.wait(STUDY_WAIT_MS, waited.signal)]);
        waited.abort();
      }
      return { ...(await glance()), ...studied };
    },
  };
}
