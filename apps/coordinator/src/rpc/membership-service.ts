/** MembershipService: routers learn who takes work, before a node leaves. */
import { create } from "@bufbuild/protobuf";
import type { Implementation } from "@moult/contracts";
import {
  type Member,
  MemberSchema,
  type MembershipService,
  type WatchResponse,
  WatchResponseSchema,
} from "@moult/contracts/v1";
import { Fields } from "../wire/fields.ts";
import { writeMember } from "../wire/fleet.ts";
import type { Principal } from "./access.ts";
import { inMessages } from "./message-size.ts";
import { type Parts, loadedAnew, poolUnknown } from "./services.ts";

/** What a member's numbers and field headers take at most, in bytes. */
const MEMBER_REST_BYTES = 40;

/** The service. */
export function createMembershipService(parts: Parts): Implementation<typeof MembershipService, Principal> {
  return {
    async *watch(request, call): AsyncGenerator<WatchResponse> {
      const fields = new Fields();
      const poolId = fields.id("pools", request.pool, "pool", { optional: true });
      fields.done();
      // Subscribed before the snapshot is taken, so that no change falls between the two; and taken as a move, so that
      // nobody is told of what is not durable yet.
      const mailbox = parts.members.subscribe(call.signal, poolId);
      const members = await parts.owner.decide((ledger, now) => {
        if (poolId !== "" && !ledger.pools.has(poolId)) throw poolUnknown(poolId);
        const answer = [...ledger.nodes.values()]
          .filter((node) => poolId === "" || node.identity.poolId === poolId)
          .map((node) => create(MemberSchema, writeMember(ledger, node, now)));
        return { answer, changes: [], effects: [] };
      });
      const [first = [], ...others] = inMessages(members, bytesOf);
      yield create(WatchResponseSchema, { snapshot: true, members: [...first] });
      for (const group of others) yield create(WatchResponseSchema, { members: [...group] });
      for await (const changed of mailbox) {
        for (const group of inMessages(changed, bytesOf)) yield create(WatchResponseSchema, { members: [...group] });
      }
      if (!call.signal.aborted) throw loadedAnew();
    },
  };
}

/** An upper bound: a character takes at most three bytes. */
function bytesOf({ node, pool, endpoint, version }: Member): number {
  return MEMBER_REST_BYTES + 3 * (node.length + pool.length + endpoint.length + version.length);
}
