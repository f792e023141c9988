/**
 * Finds one node's asks in two orders at once within one boot: a machine that was copied while it ran. Either two asks
 * carry one number, or asks with lower numbers go on coming, by turns with the higher ones. A retry carries its number and
 * its id again, and a message that was late comes once: neither counts.
 *
 * The first is looked for in a table of fixed size: a slot for each node by its hash, 2^18 slots of 8 bytes, small enough
 * for a processor's cache. Where another node's ask took the slot in between, the fork is missed that time: a copy wakes up
 * with what it was copied from, and of a million nodes that ask every quarter of an hour some 70,000 ask in the minute
 * between them, so it is found three times in four. That two asks differ and look alike, or that another's number looks
 * like this one's, has a probability of 2^-32. The second needs memory for nodes of which an ask came late, and no others.
 */
import { BoundedMap } from "./bounded-map.ts";
import type { AskSight } from "./kinds.ts";

const SLOTS = 1 << 18;
/** Units of a node's or a boot's id that are looked at; 32 bits of one in hexadecimal digits. */
const TAIL_LENGTH = 8;
/** Nodes of which an ask came late; some 200 bytes each. */
const LATE_NODES_MAX = 10_000;
/** No message is under way for longer; as the rule for clones says. In milliseconds. */
const LATE_MS = 60_000;
/** Asks are a quarter of an hour apart: so long the low ones are remembered. In milliseconds. */
const MEMORY_MS = 4 * 3_600_000;
/** So many turns of both orders; honest messages overtake each other about never. */
const TURNS_MIN = 3;

interface Low {
  readonly bootId: string;
  readonly sequence: number;
  /** The higher order's number when this one came. */
  readonly against: number;
  readonly turns: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

/** What is remembered of asks' order. */
export class Forks {
  /** Two words a slot, side by side because each look costs a cache line: the number's hash, the ask's hash. */
  readonly #slots = new Uint32Array(2 * SLOTS);
  readonly #low = new BoundedMap<string, Low>(LATE_NODES_MAX);

  /** Why this ask shows a fork; undefined where it shows none. */
  look(ask: AskSight, now: number): string | undefined {
    return this.#sameNumber(ask) ?? this.#lowerOrder(ask, now);
  }

  #sameNumber({ nodeId, bootId, sequence, askId }: AskSight): string | undefined {
    const node = hash(nodeId, 0x811c9dc5);
    const low = Math.imul(node ^ (sequence | 0), 0x01000193);
    const number = hash(bootId, low ^ Math.floor(sequence / 4_294_967_296)) >>> 0;
    const id = hash(askId, number, askId.length) >>> 0;
    const slot = 2 * (node & (SLOTS - 1));
    const differs = this.#slots[slot] === number && this.#slots[slot + 1] !== id;
    this.#slots[slot] = number;
    this.#slots[slot + 1] = id;
    return differs ? `two asks of boot ${bootId.slice(0, 8)} carry the number ${sequence}` : undefined;
  }

  #lowerOrder({ nodeId, bootId, sequence, lastBootId, lastSequence }: AskSight, now: number): string | undefined {
    if (sequence >= lastSequence || bootId !== lastBootId) return undefined;
    const known = this.#low.get(nodeId);
    const before = known?.bootId === bootId && now - known.lastAtMs <= MEMORY_MS ? known : undefined;
    if (before !== undefined && (sequence <= before.sequence || lastSequence <= before.against)) return undefined;
    const turns = (before?.turns ?? 0) + 1;
    const firstAtMs = before?.firstAtMs ?? now;
    this.#low.set(nodeId, { bootId, sequence, against: lastSequence, turns, firstAtMs, lastAtMs: now });
    if (turns < TURNS_MIN || now - firstAtMs < LATE_MS) return undefined;
    return `boot ${bootId.slice(0, 8)} speaks in two orders, around ${sequence} and ${lastSequence}`;
  }
}

/**
 * FNV-1a over the last `units` UTF-16 units, 32 bits: quick, and nothing rests on it but whether somebody takes a look. Nodes
 * and boots have random ids, whose ends alone tell them apart; an ask's id is what its sender made, and is looked at whole.
 */
function hash(text: string, seed: number, units: number = TAIL_LENGTH): number {
  let value = seed;
  for (let at = Math.max(0, text.length - units); at < text.length; at += 1)
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value;
}
