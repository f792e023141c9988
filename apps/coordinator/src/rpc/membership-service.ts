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
import type { Ledger, Node } from "@moult/policy";
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
      // Subscribed before the snapshot is taken, so that no change falls between the two; and taken as moves, so that
      // nobody is told of what is not durable yet. A change that comes between two of them is told again after the last.
      const mailbox = parts.members.subscribe(call.signal, poolId);
      const begun = await parts.owner.decide((ledger) => {
        if (poolId !== "" && !ledger.pools.has(poolId)) throw poolUnknown(poolId);
        return { answer: ledger, changes: [], effects: [] };
      });
      const walk: Walk = { ledger: begun, nodes: begun.nodes.values(), isOver: false };
      let isFirst = true;
      while (!walk.isOver) {
        const slice = await parts.owner.decide((ledger, now) => {
          if (ledger !== walk.ledger) throw loadedAnew();
          return { answer: nextMembers(walk, poolId, now), changes: [], effects: [] };
        });
        for (const group of inMessages(slice, bytesOf)) {
          yield create(WatchResponseSchema, { snapshot: isFirst, members: [...group] });
          isFirst = false;
        }
      }
      if (isFirst) yield create(WatchResponseSchema, { snapshot: true });
      for await (const changed of mailbox) {
        for (const group of inMessages(changed, bytesOf)) yield create(WatchResponseSchema, { members: [...group] });
      }
      if (!call.signal.aborted) throw loadedAnew();
    },
  };
}

/** The way through a ledger's nodes, some at a time. */
interface Walk {
  readonly ledger: Ledger;
  readonly nodes: Iterator<Node>;
  isOver: boolean;
}

/** Nodes that are looked at a move: a few milliseconds, however many there are. */
const NODES_A_MOVE = 2_000;

/** The next members of a pool; of all pools where it is empty. */
function nextMembers(walk: Walk, poolId: string, now: number): readonly Member[] {
  const members: Member[] = [];
  for (let looked = 0; looked < NODES_A_MOVE; looked += 1) {
    const { done, value: node } = walk.nodes.next();
    if (done === true) {
      walk.isOver = true;
      break;
    }
    if (poolId !== "" && node.poolId !== poolId) continue;
    members.push(create(MemberSchema, writeMember(walk.ledger, node, now)));
  }
  return members;
}

/** An upper bound: a character takes at most three bytes. */
function bytesOf({ node, pool, endpoint, version }: Member): number {
  return MEMBER_REST_BYTES + 3 * (node.length + pool.length + endpoint.length + version.length);
}
