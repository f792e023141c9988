/** Puts the parts of a replica together: who has the seat, how calls reach whoever has it, and by which clock. */
import type { RequestListener } from "node:http";
import type { Log } from "../ports.ts";
import type { Seat } from "../store/port.ts";
import { sharedArtifacts } from "./artifacts.ts";
import { Forwarder } from "./forward.ts";
import { Hop } from "./hop.ts";
import { Seating } from "./seating.ts";
import type { SharedClock } from "./shared-clock.ts";
import { type Through, throughSeat } from "./through.ts";

/** What it works with. */
export interface ReplicaParts {
  readonly seat: Seat;
  readonly clock: SharedClock;
  /** The replicas' common one, 32 bytes. */
  readonly secret: Uint8Array;
  /** The authority of the replicas' certificates. */
  readonly caPem: string;
  readonly log: Log;
  /** Loads all there is and begins to decide. */
  readonly sit: () => Promise<void>;
  /** Stops deciding at once and says the last word to who is there; called also where `sit` failed. */
  readonly leave: () => void;
  /** Resolves when nothing goes on any more of what began with `sit`. Whoever waits for it may wait for the store. */
  readonly left: () => Promise<void>;
}

/** A replica's parts. */
export interface Replica {
  readonly seating: Seating;
  readonly through: Through;
  readonly artifacts: (endpoint: RequestListener) => RequestListener;
  /** Whether another has the seat, and can be reached. */
  readonly reachesOther: () => boolean;
  readonly close: () => void;
}

/** Makes them; nothing runs before `seating.start`. */
export function createReplica({ seat, clock, secret, caPem, log, sit, leave, left }: ReplicaParts): Replica {
  const hop = new Hop(secret);
  let term = new AbortController();
  const seating: Seating = new Seating({
    seat,
    log,
    async sit() {
      term = new AbortController();
      clock.follow(await seat.timeMs());
      await sit();
    },
    async rise() {
      leave();
      // A turn in which the last notices go out, before the streams end.
      await new Promise((resolve) => setImmediate(resolve));
      // Nobody is held who could be with another already, however long the rest takes.
      term.abort();
      await left();
    },
    looked: () => forwarder.refresh(),
  });
  const forwarder = new Forwarder(() => seating.other?.address, caPem, hop);
  const speaks = (): boolean => seating.speaks;
  return {
    seating,
    through: throughSeat({ hop, forwarder, speaks, term: () => term.signal }),
    artifacts: (endpoint) => sharedArtifacts(endpoint, { hop, caPem, speaks, other: () => seating.other?.artifacts }),
    reachesOther: () => forwarder.reaches(),
    close: () => forwarder.close(),
  };
}
