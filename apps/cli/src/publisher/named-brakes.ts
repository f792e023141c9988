/**
 * Which brakes a timestamp names: those that hold by the publisher's own root and list, wherever their statements came from.
 * A device that misses a named one stays where it is, so a coordinator that was taken over cannot hide it.
 */
import { readBrakeStatement } from "@moult/contracts";
import { brakesInForce } from "@moult/trust/statement";
import { NAMED_BRAKES_MAX, allowlistIn, rootIn } from "@moult/trust/tuf";

/** A brake that holds. */
export interface NamedBrake {
  /** SHA-256 of what was signed. */
  readonly digest: string;
  readonly statement: Uint8Array;
}

/** What brakes are judged by. */
export interface BrakeJudges {
  /** The newest root. */
  readonly root: Uint8Array;
  /** The list that is published with them; undefined where there is none. */
  readonly targets: Uint8Array | undefined;
  /** The publisher's clock, milliseconds since 1970. */
  readonly nowMs: number;
}

/** Those of `statements` that hold, each once; where there are too many, those that end last. Throws TufError. */
export function namedBrakes(statements: readonly Uint8Array[], by: BrakeJudges): readonly NamedBrake[] {
  const { network, breakers } = rootIn(by.root);
  const lifted = by.targets === undefined ? [] : allowlistIn(by.targets).liftedBrakes;
  const rules = { network, breakers, lifted, read: readBrakeStatement, nowMs: by.nowMs };
  const held = statements.flatMap((statement) =>
    brakesInForce([statement], rules).inForce.map(({ digest, expiresMs }) => ({ digest, expiresMs, statement })),
  );
  const once = new Map(held.map((brake) => [brake.digest, brake]));
  return [...once.values()].toSorted((a, b) => b.expiresMs - a.expiresMs).slice(0, NAMED_BRAKES_MAX);
}
