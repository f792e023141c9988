/** What keeps the fleet, and who answers, in the contract's words. A store that does not answer is an answer, too. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { formatName } from "@moult/contracts";
import type { GetStatusResponseSchema } from "@moult/contracts/v1";
import { FLEET_LOG } from "../store/audit-leaf.ts";
import { type Store, StoreError } from "../store/port.ts";
import { writeTime } from "./time.ts";

/** A checkpoint: how many leaves it covers, and when it was made, in milliseconds since the epoch. */
interface Mark {
  readonly size: number;
  readonly atMs: number;
}

/** How the coordinator that answers stands. Moments in milliseconds since the epoch. */
export interface OwnStatus {
  readonly version: string;
  readonly startedAtMs: number;
  readonly isReady: boolean;
  /** Why it is ready, or not, in one sentence. */
  readonly why: string;
  readonly overloadRefused: number;
  readonly connections: number;
  readonly certificateEndsAtMs: number;
  /** Since its start; undefined before the first, and where it does not keep the log. */
  readonly signed: Mark | undefined;
  readonly witnessed: Mark | undefined;
}

/** Asks the store and writes what it says, and how `own` stands. */
export async function writeStatus(
  store: Pick<Store, "status">,
  own: OwnStatus,
): Promise<MessageInitShape<typeof GetStatusResponseSchema>> {
  const coordinator = {
    version: own.version,
    startTime: writeTime(own.startedAtMs),
    ready: own.isReady,
    message: own.why,
    overloadRefused: BigInt(own.overloadRefused),
    connections: BigInt(own.connections),
    certificateExpireTime: writeTime(own.certificateEndsAtMs),
  };
  try {
    const { engine, replicas, pools, tree } = await store.status();
    const { signed, witnessed } = own;
    return {
      coordinator,
      store: { engine, healthy: true },
      replicas: replicas.map(({ name, address, isAlive, hasSeat }) => ({
        name,
        address,
        alive: isAlive,
        deciding: hasSeat,
      })),
      pools: pools.map(({ poolId, replica, epoch }) => ({
        pool: poolId === FLEET_LOG ? "" : formatName("pools", poolId),
        epoch: BigInt(epoch),
        replica,
      })),
      sequencer: {
        epoch: BigInt(tree.epoch),
        size: BigInt(tree.size),
        signedSize: BigInt(tree.signedSize),
        witnessedSize: BigInt(witnessed?.size ?? 0),
        ...(signed === undefined ? {} : { signedTime: writeTime(signed.atMs) }),
        ...(witnessed === undefined ? {} : { witnessedTime: writeTime(witnessed.atMs) }),
      },
    };
  } catch (error) {
    if (error instanceof StoreError) return { coordinator, store: { healthy: false, message: error.message } };
    throw error;
  }
}
