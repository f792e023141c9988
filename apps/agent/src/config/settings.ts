/** The configuration's last stage: what the agent works with, in its own words, with paths resolved. Types only. */
import type { Tunables } from "../update/at.ts";

/** How the device becomes and stays known to coordinators. */
export interface WireSettings {
  readonly coordinators: readonly string[];
  readonly caFile: string;
  /** Empty where there is none. */
  readonly enrollmentToken: string;
  readonly model: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly domains: readonly string[];
  readonly attend: boolean;
  readonly pulseIntervalMs: number;
  readonly rpcTimeoutMs: number;
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  readonly keepaliveIntervalMs: number;
  readonly keepaliveTimeoutMs: number;
}

/** Bounds of a pull. */
export interface PullSettings {
  readonly stallTimeoutMs: number;
  readonly rateMinBytesPerS: number;
  /** 0 for no limit. */
  readonly rateMaxBytesPerS: number;
  readonly timeoutMs: number;
  readonly rounds: number;
  readonly diskReserveBytes: number;
}

/** How the workload is looked after. */
export interface WorkSettings {
  /** Who starts it: the agent, or a unit of the init system. */
  readonly runner: "child" | "unit";
  readonly env: Readonly<Record<string, string>>;
  readonly pollIntervalMs: number;
  readonly pollFastMs: number;
  readonly stopGraceMs: number;
}

/** Everything. */
export interface Settings {
  readonly network: string;
  readonly deviceDir: string;
  /** The flashed root; undefined for the one in the own build. */
  readonly rootFile?: string;
  /** Base URLs where metadata can be had too. */
  readonly mirrors: readonly string[];
  /** Milliseconds since 1970; 0 where nobody said. */
  readonly buildTimeMs: number;
  readonly wire: WireSettings;
  readonly pull: PullSettings;
  readonly work: WorkSettings;
  readonly tunables: Tunables;
  readonly logLevel: string;
}
