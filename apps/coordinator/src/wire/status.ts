/** What keeps the fleet, in the contract's words. A store that does not answer is an answer, too. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { formatName } from "@moult/contracts";
import type { GetStatusResponseSchema } from "@moult/contracts/v1";
import { FLEET_LOG } from "../store/audit-leaf.ts";
import { type Store, StoreError } from "../store/port.ts";

/** Asks the store and writes what it says. */
export async function writeStatus(
  store: Pick<Store, "status">,
): Promise<MessageInitShape<typeof GetStatusResponseSchema>> {
  try {
    const { engine, replicas, pools, tree } = await store.status();
    return {
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
      sequencer: { epoch: BigInt(tree.epoch), size: BigInt(tree.size), signedSize: BigInt(tree.signedSize) },
    };
  } catch (error) {
    if (error instanceof StoreError) return { store: { healthy: false, message: error.message } };
    throw error;
  }
}
