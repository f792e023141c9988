/** What a workload says, in the agent's words and within the contract's limits. */
import { type SituationResponse, State } from "@moult/contracts/work";
import type { WorkAnswer } from "../work/ports.ts";

const SHARDS_MAX = 256;
const SHARD_LENGTH_MAX = 128;
const ENDPOINT_LENGTH_MAX = 255;
const MESSAGE_LENGTH_MAX = 400;

/** The answer. Names that are too long are left out: cut short they would name something else. */
export function fromSituation(said: SituationResponse): WorkAnswer {
  const shards = new Set(said.shards.filter((shard) => shard !== "" && shard.length <= SHARD_LENGTH_MAX));
  return {
    state: STATES[said.state] ?? "STARTING",
    report: {
      capacityRps: said.capacityRps,
      loadRps: said.loadRps,
      endpoint: said.endpoint.length <= ENDPOINT_LENGTH_MAX ? said.endpoint : "",
    },
    inFlight: said.inFlight,
    startedTotal: said.startedTotal,
    shards: [...shards].slice(0, SHARDS_MAX),
    locked: said.locked,
    message: said.message.slice(0, MESSAGE_LENGTH_MAX),
  };
}

const STATES: Readonly<Record<number, WorkAnswer["state"]>> = {
  [State.STARTING]: "STARTING",
  [State.SERVING]: "SERVING",
  [State.DRAINING]: "DRAINING",
  [State.FAILED]: "FAILED",
};
