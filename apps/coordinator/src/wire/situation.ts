/** Situations between the contract and the core. */
import { type HostFacts as HostFactsMessage, type Situation as SituationMessage, WorkState } from "@moult/contracts/v1";
import { CLAIM_MAX_RPS, type HostNumbers, type Situation, hostFacts } from "@moult/policy";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { SituationSchema } from "@moult/contracts/v1";
import type { Fields } from "./fields.ts";

const SHARDS_MAX = 256;
/** One list for all that name none: every node has one. */
const NONE: readonly string[] = [];
const CLAIM = { min: 0, max: CLAIM_MAX_RPS };

/** Reads a situation. A work state this version does not know is read as STOPPED: it brings nothing. */
export function readSituation(fields: Fields, message: SituationMessage, at: string): Situation {
  fields.check(message.shards.length <= SHARDS_MAX, `${at}.shards`, `must hold at most ${SHARDS_MAX} names`);
  const shards = message.shards.length === 0 ? NONE : message.shards.slice(0, SHARDS_MAX);
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
    osRelease: fields.text(message.host?.osRelease ?? "", `${at}.host.os_release`, { min: 0, max: 128 }),
  };
}

/** Writes a situation. */
export function writeSituation(situation: Situation): MessageInitShape<typeof SituationSchema> {
  const { host: _host, osRelease: _release, ...said } = situation;
  const host = hostFacts(situation);
  return {
    ...said,
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

/** The host's numbers, in the core's order. What was not said is not a number there. */
function readHost(fields: Fields, message: HostFactsMessage | undefined, at: string): HostNumbers {
  if (message === undefined) return NO_NUMBERS;
  const number = (value: number | bigint | undefined, name: string): number =>
    value === undefined ? Number.NaN : fields.number(Number(value), `${at}.${name}`, FACT);
  return [
    number(message.cpuCount, "cpu_count"),
    number(message.cpuBusyRatio, "cpu_busy_ratio"),
    number(message.cpuPressureRatio, "cpu_pressure_ratio"),
    number(message.memoryTotalBytes, "memory_total_bytes"),
    number(message.memoryAvailableBytes, "memory_available_bytes"),
    number(message.diskFreeBytes, "disk_free_bytes"),
    number(message.networkRxBytesPerS, "network_rx_bytes_per_s"),
    number(message.networkTxBytesPerS, "network_tx_bytes_per_s"),
    number(message.uptimeMs, "uptime_ms"),
  ];
}

const NO_NUMBERS: HostNumbers = [];
const FACT = { min: 0, max: Number.MAX_SAFE_INTEGER };

function toBigInt(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(Math.round(value));
}
