/** The tables as Kysely reads them. `bigint` comes as text: who reads it makes a number of it. */
import type { ColumnType } from "kysely";

type BigInt8 = ColumnType<string, number, number>;
type Bytes = ColumnType<Buffer, Uint8Array, Uint8Array>;

/** PostgreSQL's tables. */
export interface PostgresTables {
  readonly meta: { readonly key: string; readonly value: string };
  readonly nodes: {
    readonly node_id: string;
    readonly pool_id: string;
    readonly identity: string;
    readonly state: string | null;
  };
  readonly permits: {
    readonly node_id: string;
    readonly permit_id: string;
    readonly pool_id: string;
    readonly permit: string;
  };
  readonly releases: { readonly version: string; readonly release_counter: BigInt8; readonly release: string };
  readonly manifests: { readonly digest: string; readonly envelope: Bytes };
  readonly dials: { readonly version: string; readonly dial: string };
  readonly overrides: { readonly override_id: string; readonly pool_id: string; readonly override: string };
  readonly tokens: { readonly token_hash: string; readonly expires_at_ms: BigInt8; readonly token: string };
  readonly requests: {
    readonly request_id: string;
    readonly request_hash: string;
    readonly response: Bytes;
    readonly at_ms: BigInt8;
  };
  readonly totals: { readonly pool_id: string; readonly demand_milli: BigInt8 };
  readonly audit: {
    readonly pool_id: string;
    readonly seq: BigInt8;
    readonly at_ms: BigInt8;
    readonly kind: string;
    readonly leaf: string;
  };
  readonly metadata_files: {
    readonly role: string;
    readonly version: BigInt8;
    readonly published: BigInt8;
    readonly file: Bytes;
  };
  readonly brake_statements: {
    readonly digest: string;
    readonly expires_at_ms: BigInt8;
    readonly brake: string;
    readonly statement: Bytes;
  };
  readonly events: { readonly event_id: BigInt8; readonly event: string };
  readonly tree_state: {
    readonly id: number;
    readonly epoch: BigInt8;
    readonly size: BigInt8;
    readonly checkpoint: Bytes | null;
  };
  readonly tree_leaves: {
    readonly leaf_index: BigInt8;
    readonly pool_id: string;
    readonly seq: BigInt8;
    readonly entry: Bytes;
  };
  readonly tree_pools: { readonly pool_id: string; readonly seq: BigInt8 };
  readonly tree_tiles: { readonly level: number; readonly tile_index: BigInt8; readonly hashes: Bytes };
  readonly tree_bodies: { readonly digest: string; readonly body: Bytes };
  readonly replicas: {
    readonly owner: string;
    readonly address: string;
    readonly lease_until: Date;
    readonly name: string;
    readonly artifacts: string;
  };
  readonly pool_owner: { readonly pool_id: string; readonly owner: string; readonly epoch: BigInt8 };
}
