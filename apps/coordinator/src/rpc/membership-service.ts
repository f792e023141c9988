/** MembershipService: routers learn who takes work, before a node leaves. */
import { create } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { type Implementation, RpcError } from "@moult/contracts";
import { ErrorReason, type MembershipService, type WatchResponse, WatchResponseSchema } from "@moult/contracts/v1";
import { Fields } from "../wire/fields.ts";
import { writeMember } from "../wire/fleet.ts";
import type { Principal } from "./access.ts";
import type { Parts } from "./services.ts";

/** Members in one message: about 100 bytes each, well below gRPC's 4 MiB. */
const MEMBERS_PER_MESSAGE = 10_000;

/** The service. */
export function createMembershipService(parts: Parts): Implementation<typeof MembershipService, Principal> {
  return {
    async *watch(request, call): AsyncGenerator<WatchResponse> {
      const fields = new Fields();
      const poolId = fields.id("pools", request.pool, "pool", { optional: true });
      fields.done();
      const { ledger } = parts.owner;
      if (poolId !== "" && !ledger.pools.has(poolId)) {
        throw new RpcError(status.NOT_FOUND, ErrorReason.POOL_UNKNOWN, `no pool ${poolId} here`);
      }
      // Subscribed before the snapshot is taken, so that no change falls between the two.
      const mailbox = parts.members.subscribe(call.signal, poolId);
      const now = parts.clock.now();
      const members = [...ledger.nodes.values()]
        .filter((node) => poolId === "" || node.identity.poolId === poolId)
        .map((node) => writeMember(ledger, node, now));
      yield create(WatchResponseSchema, { snapshot: true, members: members.slice(0, MEMBERS_PER_MESSAGE) });
      for (let from = MEMBERS_PER_MESSAGE; from < members.length; from += MEMBERS_PER_MESSAGE) {
        yield create(WatchResponseSchema, { members: members.slice(from, from + MEMBERS_PER_MESSAGE) });
      }
      for await (const changed of mailbox) yield create(WatchResponseSchema, { members: [...changed] });
    },
  };
}
