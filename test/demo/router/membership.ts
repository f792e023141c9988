/**
 * Follows `MembershipService.Watch`. When the stream breaks it says nothing: the last members stay in force, and it
 * watches again after a random short time.
 */
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { createClient, parseName, secureChannel } from "@moult/contracts";
import { MembershipService, NodeState, type Member as WireMember } from "@moult/contracts/v1";
import type { Member, MemberState } from "./balancer.ts";

/** Bounds of the random wait before watching again, in milliseconds: prompt, and no stampede. */
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 500;
/** A dead connection is noticed within twice this, in milliseconds. */
const KEEPALIVE_MS = 5000;

/** Where the coordinator is, and what it wants to see. */
export interface CoordinatorAccess {
  /** `host:port`. */
  readonly address: string;
  readonly caFile: string;
  /** File with the bearer token; read anew for each attempt. */
  readonly tokenFile: string;
}

/** Watches until `signal` is aborted; tells each piece of news as it comes. */
export async function followMembership(
  access: CoordinatorAccess,
  onNews: (members: Member[], snapshot: boolean) => void,
  onBreak: (reason: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const secure = secureChannel(access.address, await readFile(access.caFile));
  const client = createClient(MembershipService, access.address, secure.credentials, {
    ...secure.options,
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_MS,
    // The wait between attempts is this loop's own; the channel must not add a growing one.
    "grpc.initial_reconnect_backoff_ms": RETRY_MIN_MS,
    "grpc.max_reconnect_backoff_ms": RETRY_MAX_MS,
  });
  try {
    while (!signal.aborted) {
      try {
        const bearer = (await readFile(access.tokenFile, "utf8")).trim();
        for await (const news of client.watch({ pool: "" }, { bearer, signal })) {
          const { members, snapshot } = news as { members: WireMember[]; snapshot: boolean };
          onNews(members.map(fromWire), snapshot);
        }
        onBreak("the coordinator ended the stream");
      } catch (error) {
        if (signal.aborted) return;
        onBreak(error instanceof Error ? error.message : String(error));
      }
      const waitMs = RETRY_MIN_MS + Math.random() * (RETRY_MAX_MS - RETRY_MIN_MS);
      await delay(waitMs, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    client.close();
  }
}

const STATES: Readonly<Record<NodeState, MemberState>> = {
  [NodeState.SERVING]: "SERVING",
  [NodeState.RETURNED]: "RETURNED",
  [NodeState.LEAVING]: "LEAVING",
  [NodeState.AWAY]: "AWAY",
  [NodeState.LOST]: "LOST",
  [NodeState.UNSPECIFIED]: "LOST",
};

/** A state from a newer coordinator that is not known here takes no work. */
function fromWire(wire: WireMember): Member {
  return {
    node: parseName("nodes", wire.node) ?? wire.node,
    state: STATES[wire.state] ?? "LOST",
    endpoint: wire.endpoint,
    capacityRps: Number.isFinite(wire.capacityRps) ? wire.capacityRps : 0,
    version: wire.version,
  };
}
