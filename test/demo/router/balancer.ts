/**
 * Which node gets the next request. It knows the members as the coordinator told them, what is in flight, and who was
 * found unreachable; it decides and counts, and touches no socket and no clock.
 */

/** A node's state as membership tells it; the names are those of the contract without their prefix. */
export type MemberState = "SERVING" | "RETURNED" | "LEAVING" | "AWAY" | "LOST";

/** A node as the router hears of it. */
export interface Member {
  readonly node: string;
  readonly state: MemberState;
  /** `host:port`; empty where not known. */
  readonly endpoint: string;
  /** Work the node can carry, in requests a second: its weight. */
  readonly capacityRps: number;
  readonly version: string;
}

/** What became of a node through news of it: its connections are of use only as long as it takes work. */
export type Change = { readonly node: string; readonly kind: "ADMITTED" | "RETIRED" };

interface Entry {
  member: Member;
  inFlight: number;
  /** Found unreachable; out until a probe succeeds or membership says something new of it. */
  ejected: boolean;
  /** Number of the choice in which it was last chosen: breaks ties, so that equal nodes take turns. */
  chosenAt: number;
}

/** The members, and how requests are spread over them. */
export class Balancer {
  readonly #entries = new Map<string, Entry>();
  #choices = 0;

  /** Takes in news. A snapshot lists everybody: whoever is not in it is gone. */
  apply(members: readonly Member[], snapshot: boolean): Change[] {
    const changes: Change[] = [];
    const listed = new Set(members.map((member) => member.node));
    for (const [node, entry] of snapshot ? this.#entries : []) {
      if (listed.has(node)) continue;
      if (takesWork(entry.member)) changes.push({ node, kind: "RETIRED" });
      this.#entries.delete(node);
    }
    for (const member of members) {
      const entry = this.#entries.get(member.node);
      const before = entry !== undefined && takesWork(entry.member);
      const same = entry?.member.state === member.state && entry.member.endpoint === member.endpoint;
      if (entry === undefined) this.#entries.set(member.node, { member, inFlight: 0, ejected: false, chosenAt: 0 });
      else {
        entry.member = member;
        // The same news again, as after a broken stream, is no sign that an unreachable node can be reached.
        if (!same) entry.ejected = false;
      }
      if (before === takesWork(member)) continue;
      changes.push({ node: member.node, kind: before ? "RETIRED" : "ADMITTED" });
    }
    return changes;
  }

  /** The node for one more request: the one that is least busy for its size. Undefined where nobody takes work. */
  choose(): Member | undefined {
    let best: Entry | undefined;
    let bestBusy = Number.POSITIVE_INFINITY;
    for (const entry of this.#entries.values()) {
      if (entry.ejected || !takesWork(entry.member)) continue;
      const busy = (entry.inFlight + 1) / entry.member.capacityRps;
      if (best === undefined || busy < bestBusy || (busy === bestBusy && entry.chosenAt < best.chosenAt)) {
        best = entry;
        bestBusy = busy;
      }
    }
    if (best === undefined) return undefined;
    this.#choices += 1;
    best.chosenAt = this.#choices;
    best.inFlight += 1;
    return best.member;
  }

  /** A request given to `node` has ended, however it ended. */
  release(node: string): void {
    const entry = this.#entries.get(node);
    if (entry !== undefined && entry.inFlight > 0) entry.inFlight -= 1;
  }

  /** `node` could not be reached. True where it was not known before, so that probing begins once. */
  eject(node: string): boolean {
    const entry = this.#entries.get(node);
    if (entry === undefined || entry.ejected) return false;
    entry.ejected = true;
    return true;
  }

  /** `node` answered a probe. */
  readmit(node: string): void {
    const entry = this.#entries.get(node);
    if (entry !== undefined) entry.ejected = false;
  }

  /** Whether `node` is a member that takes work and is only held back because it could not be reached. */
  awaitsProbe(node: string): boolean {
    const entry = this.#entries.get(node);
    return entry !== undefined && entry.ejected && takesWork(entry.member);
  }

  /** The members as last heard of, for those who look. */
  members(): { readonly member: Member; readonly inFlight: number; readonly ejected: boolean }[] {
    return [...this.#entries.values()].map(({ member, inFlight, ejected }) => ({ member, inFlight, ejected }));
  }
}

function takesWork(member: Member): boolean {
  const open = member.state === "SERVING" || member.state === "RETURNED";
  return open && member.endpoint !== "" && member.capacityRps > 0;
}
