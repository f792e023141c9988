/**
 * What a decider took for given, held against what its nodes told it. A log can be whole, and every grant within the limit
 * that the decider reckoned, and wrong all the same where it reckoned with work that nobody said was so little, or with
 * capacity that nobody has. Pure; it knows of nodes only what whoever plays them says of them.
 */
import type { Entry, Fault } from "./entry.ts";

/** The nodes of each pool, as those who play them know them. Units of work a second, in thousandths. */
export interface Truth {
  /** What all nodes of one pool can carry together. */
  readonly capacityMilli: number;
  /** The least that a node says it carries while it serves, as a share of its capacity: 0 to 1. */
  readonly loadLeast: number;
  /** By how much more than the demand has to serve: 0.15 is 15 %. */
  readonly marginRatio: number;
  /** What the node said it carries in the ask that was granted, by permit; the least of them where it asked again. */
  readonly askedMilli: ReadonlyMap<string, number>;
}

/** Each load was rounded to a thousandth, and then their sum. */
const ROUNDING_MILLI = 16;

/**
 * Entries whose books cannot be true. Only what the decider has certainly heard counts, whoever it is and since whenever it
 * decides: capacity serves in its books only where the node said so to it, and whoever serves says what it carries in the
 * same breath; and whoever is let go said so in the ask itself.
 */
export function untrue(entries: readonly Entry[], truth: Truth): readonly Fault[] {
  return entries.flatMap((entry) => {
    const { pool, seq, kind, body } = entry;
    if (kind !== "permit" && kind !== "permit-ended") return [];
    const why = wrongIn(body, truth);
    return why === undefined ? [] : [{ rule: "untrue", text: `${pool} ${seq} (${kind}): ${why}` }];
  });
}

function wrongIn(body: Entry["body"], truth: Truth): string | undefined {
  const { chargedMilli, freshMilli, needMilli } = (body["books"] ?? {}) as Readonly<Record<string, number | undefined>>;
  if (chargedMilli === undefined || freshMilli === undefined || needMilli === undefined) return "no books";
  if (freshMilli + chargedMilli > truth.capacityMilli) {
    return `${freshMilli} serve and ${chargedMilli} are on leave, of ${truth.capacityMilli}`;
  }
  const asked = body["phase"] === "DRAINING" ? (truth.askedMilli.get(String(body["permitId"])) ?? 0) : 0;
  const leastMilli = (freshMilli * truth.loadLeast + asked) * (1 + truth.marginRatio) - ROUNDING_MILLI;
  return needMilli < leastMilli ? `${needMilli} must serve, and nodes said at least ${leastMilli}` : undefined;
}
