/**
 * The Host port. What a glance at small files gives is enough for pulses; with asks, systeminformation is called, which
 * knows more kinds of hosts and starts processes for it. It is loaded when it is first needed.
 */
import type { Clock, Host, Log } from "../../ports.ts";
import type { HostFacts } from "../../situation.ts";
import { createGlance } from "./glance.ts";

/** Studies closer together than this, in milliseconds, are one: a row of nudges must not start rows of processes. */
const STUDY_INTERVAL_MS = 10_000;

/** An ask does not wait longer than this for a study, in milliseconds. */
const STUDY_WAIT_MS = 2_000;

/** Characters of an operating system's name that the contract takes. */
const OS_RELEASE_LENGTH_MAX = 128;

/** The host that the device's folder is on. */
export function createHost(folder: string, clock: Clock, log: Log): Host {
  const glance = createGlance(folder, clock.nowMs);
  let studied: HostFacts = {};
  let studiedAtMs = Number.NEGATIVE_INFINITY;
  let osRelease: string | undefined;
  const refresh = async (): Promise<void> => {
    try {
      const { currentLoad, mem, osInfo } = await import("systeminformation");
      if (osRelease === undefined) {
        const { distro, release, kernel } = await osInfo();
        osRelease = `${distro} ${release} (${kernel})`.slice(0, OS_RELEASE_LENGTH_MAX);
      }
      const [load, memory] = [await currentLoad(), await mem()];
      studied = {
        osRelease,
        cpuBusyRatio: Math.min(1, Math.max(0, load.currentLoad / 100)),
        memoryTotalBytes: memory.total,
        memoryAvailableBytes: memory.available,
      };
    } catch (error) {
      // An ask without these facts is worth more than no ask.
      log.warn({ err: error }, "the host could not be studied");
    }
  };
  return {
    async glance() {
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
