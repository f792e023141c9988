/** Situations between the contract and the core. */
import { type HostFacts as HostFactsMessage, type Situation as SituationMessage, WorkState } from "@moult/contracts/v1";
import { CLAIM_MAX_RPS, type HostFacts, type Situation } from "@moult/policy";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { SituationSchema } from "@moult/contracts/v1";
import type { Fields } from "./fields.ts";

const SHARDS_MAX = 256;
const CLAIM = { min: 0, max: CLAIM_MAX_RPS };

/** Reads a situation. A work state this version does not know is read as STOPPED: it brings nothing. */
export function readSituation(fields: Fields, message: SituationMessage, at: string): Situation {
  fields.check(message.shards.length <= SHARDS_MAX, `${at}.shards`, `must hold at most ${SHARDS_MAX} names`);
  const shards = message.shards.slice(0, SHARDS_MAX);
  for (const shard of shards) fields.text(shard, `${at}.shards`, { min: 1, max: 128 });
  fields.check(new Set(shards).size === shards.length, `${at}.shards`, "must name no shard twice");
  return {
    capacityRps: fields.number(message.capacityRps, `${at}.capacity_rps`, CLAIM),
    loadRps: fields.number(message.loadRps, `${at}.load_rps`, CLAIM),
    inFlight: message.inFlight,
    shards,
    workState: readWorkState(message.workState),
    interruptible: message.interruptible,
    endpoint: fields.text(message.endpoint, `${at}.endpoint`, { min: 0, max: 255 }),
    host: readHost(fields, message.host, `${at}.host`),
  };
}

/** Writes a situation. */
export function writeSituation(situation: Situation): MessageInitShape<typeof SituationSchema> {
  const { host } = situation;
  return {
    ...situation,
    shards: [...situation.shards],
    workState: WorkState[situation.workState],
    host: {
      ...host,
      memoryTotalBytes: toBigInt(host.memoryTotalBytes),
      memoryAvailableBytes: toBigInt(host.memoryAvailableBytes),
      diskFreeBytes: toBigInt(host.diskFreeBytes),
      uptimeMs: toBigInt(host.uptimeMs),
    },
  };
}

function readWorkState(state: WorkState): Situation["workState"] {
  switch (state) {
    case WorkState.UNSPECIFIED:
    case WorkState.NONE:
      return "NONE";
    case WorkState.STARTING:
      return "STARTING";
    case WorkState.SERVING:
      return "SERVING";
    case WorkState.DRAINING:
      return "DRAINING";
    case WorkState.FAILED:
      return "FAILED";
    default:
      return "STOPPED";
  }
}

function readHost(fields: Fields, message: HostFactsMessage | undefined, at: string): HostFacts {
  if (message === undefined) return {};
  const host: Record<string, number | string> = {};
  const number = (key: keyof HostFacts, value: number | bigint | undefined, name: string): void => {
    if (value === undefined) return;
    host[key] = fields.number(Number(value), `${at}.${name}`, { min: 0, max: Number.MAX_SAFE_INTEGER });
  };
  number("cpuCount", message.cpuCount, "cpu_count");
  number("cpuBusyRatio", message.cpuBusyRatio, "cpu_busy_ratio");
  number("cpuPressureRatio", message.cpuPressureRatio, "cpu_pressure_ratio");
  number("memoryTotalBytes", message.memoryTotalBytes, "memory_total_bytes");
  number("memoryAvailableBytes", message.memoryAvailableBytes, "memory_available_bytes");
  number("diskFreeBytes", message.diskFreeBytes, "disk_free_bytes");
  number("networkRxBytesPerS", message.networkRxBytesPerS, "network_rx_bytes_per_s");
  number("networkTxBytesPerS", message.networkTxBytesPerS, "network_tx_bytes_per_s");
  number("uptimeMs", message.uptimeMs, "uptime_ms");
  if (message.osRelease !== undefined) {
    host["osRelease"] = fields.text(message.osRelease, `${at}.os_release`, { min: 0, max: 128 });
  }
  return host;
}

function toBigInt(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(Math.round(value));
}
