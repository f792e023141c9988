/** What the database says of who writes it. */
import type { Sql } from "postgres";
import { FLEET_LOG } from "../audit-leaf.ts";
import type { StoreStatus } from "../port.ts";
import { signedSizeOf } from "../signed-size.ts";

/** Reads it, as of one moment for each part. */
export async function readStatus(sql: Sql): Promise<StoreStatus> {
  const replicas = await sql<{ name: string; address: string; alive: boolean; seated: boolean }[]>`
    SELECT replicas.name, address, lease_until > clock_timestamp() AS alive,
      EXISTS (SELECT 1 FROM pool_owner WHERE pool_owner.owner = replicas.owner AND pool_id = ${FLEET_LOG}) AS seated
    FROM replicas ORDER BY replicas.name, replicas.owner`;
  const pools = await sql<{ pool_id: string; epoch: string; name: string | null }[]>`
    SELECT pool_id, epoch, name FROM pool_owner LEFT JOIN replicas ON replicas.owner = pool_owner.owner ORDER BY pool_id`;
  const [tree] = await sql<{ epoch: string; size: string; checkpoint: Buffer | null }[]>`
    SELECT epoch, size, checkpoint FROM tree_state`;
  return {
    engine: "postgres",
    replicas: replicas.map(({ name, address, alive, seated }) => ({
      name,
      address,
      isAlive: alive,
      hasSeat: alive && seated,
    })),
    pools: pools.map((row) => ({ poolId: row.pool_id, replica: row.name ?? "", epoch: Number(row.epoch) })),
    tree: {
      epoch: Number(tree?.epoch ?? 0),
      size: Number(tree?.size ?? 0),
      signedSize: signedSizeOf(tree?.checkpoint),
    },
  };
}
