/**
 * The kinds of statements that Moult signs outside TUF. The kind is part of what is signed, so that a signature under one
 * kind says nothing under another.
 */

/** The message inside, by its name in `proto/`, in lowercase with hyphens. */
export type StatementKind = "brake" | "override" | "verdict-receipt";

/** How long each kind may hold after it was issued, milliseconds. */
export const LIFETIME_MAX_MS: Readonly<Record<StatementKind, number>> = {
  // A breaker that braked and is gone must not hold a fleet for ever; the council can lift it sooner, or brake for good by
  // taking builds off its list.
  brake: 7 * 24 * 60 * 60 * 1000,
  override: 24 * 60 * 60 * 1000,
  "verdict-receipt": 24 * 60 * 60 * 1000,
};

/** The payload type in the envelope. */
export function payloadTypeOf(kind: StatementKind): string {
  return `application/vnd.moult.${kind}.v1+protobuf`;
}
