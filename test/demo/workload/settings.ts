/**
 * What one copy of the workload is told: by its environment, where it runs and how much it carries; by the bundler, which
 * version it is and which files it cannot do without.
 */

/** Replaced by the bundler. Run from its sources the workload is version 0.0.0 and needs nothing. */
declare const DEMO_VERSION: string;
/** Replaced by the bundler: names of files that must stand beside the bundle. */
declare const DEMO_NEEDS: readonly string[];

/** Everything the workload has to know. */
export interface Settings {
  readonly version: string;
  readonly needs: readonly string[];
  /** Name of the box, as people write it. */
  readonly box: string;
  /** Loopback port of the service; the same for every version. */
  readonly port: number;
  /** Unix socket on which the agent asks. */
  readonly workSocket: string;
  /** Requests done at the same time. */
  readonly slots: number;
  /** Requests that may wait. */
  readonly waitingMax: number;
  /** How long one request takes, in milliseconds. */
  readonly serviceMs: number;
  /** What the workload says it can carry, in requests a second. */
  readonly capacityRps: number;
}

/** Reads the environment; throws with a sentence that says what is missing. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const text = (key: string): string => {
    const value = env[key];
    if (value === undefined || value === "") throw new Error(`set ${key} in the workload's environment`);
    return value;
  };
  const number = (key: string): number => {
    const value = Number(text(key));
    if (!Number.isFinite(value) || value <= 0) throw new Error(`${key} must be a number above 0`);
    return value;
  };
  return {
    version: typeof DEMO_VERSION === "string" ? DEMO_VERSION : "0.0.0",
    needs: typeof DEMO_NEEDS === "object" ? DEMO_NEEDS : [],
    box: text("DEMO_BOX"),
    port: number("DEMO_PORT"),
    workSocket: text("MOULT_WORK_SOCKET"),
    slots: number("DEMO_SLOTS"),
    waitingMax: number("DEMO_WAITING_MAX"),
    serviceMs: number("DEMO_SERVICE_MS"),
    capacityRps: number("DEMO_CAPACITY_RPS"),
  };
}
