/** What this device is doing, in the agent's own words; `wire/` turns it into the contract's. */
import type { WorkView } from "./update/state.ts";

/** What the workload says of itself, as last heard. */
export interface WorkReport {
  /** Units of work a second it can carry; 0 or more, finite. */
  readonly capacityRps: number;
  /** Units of work a second it carries. */
  readonly loadRps: number;
  /** Where the work is reached, `host:port`; empty where it is not. */
  readonly endpoint: string;
}

/** A look at the workload. */
export interface WorkSeen {
  readonly view: WorkView;
  readonly report: WorkReport;
}

/** Facts about the host. Absent where they could not be read. Ratios are 0 to 1. */
export interface HostFacts {
  readonly cpuCount?: number;
  readonly cpuBusyRatio?: number;
  readonly cpuPressureRatio?: number;
  readonly memoryTotalBytes?: number;
  readonly memoryAvailableBytes?: number;
  readonly diskFreeBytes?: number;
  readonly networkRxBytesPerS?: number;
  readonly networkTxBytesPerS?: number;
  readonly uptimeMs?: number;
  readonly osRelease?: string;
}

/** What the device is doing. */
export interface Situation extends WorkReport {
  readonly workState: WorkView["state"];
  readonly inFlight: number;
  readonly shards: readonly string[];
  readonly interruptible: boolean;
  readonly host: HostFacts;
}

/** As the contract bounds it; what is beyond is a mistake of the workload's, and must not cost the node its voice. */
const RATE_MAX_RPS = 10_000_000;

/**
 * The situation. Without a workload the host is what can be used: its processors are the capacity, and how busy they are
 * is the load, both in processors.
 */
export function situationOf({ view, report }: WorkSeen, host: HostFacts): Situation {
  const { state, inFlight, shards, locked } = view;
  const cpuCount = host.cpuCount ?? 0;
  const rates =
    state === "NONE"
      ? { capacityRps: cpuCount, loadRps: cpuCount * (host.cpuBusyRatio ?? 0), endpoint: "" }
      : state === "STOPPED"
        ? { capacityRps: 0, loadRps: 0, endpoint: report.endpoint }
        : { ...report, capacityRps: bounded(report.capacityRps), loadRps: bounded(report.loadRps) };
  return { ...rates, workState: state, inFlight, shards, interruptible: !locked, host };
}

/** A workload's claim within what the contract allows; nonsense counts as nothing. */
function bounded(rate: number): number {
  return Number.isFinite(rate) && rate > 0 ? Math.min(rate, RATE_MAX_RPS) : 0;
}
