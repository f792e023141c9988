/**
 * What a decision leaves behind: changes that must be durable before anybody is told, and effects to carry out after.
 * The ledger has applied a change to its own memory when it returns it.
 */
import type { Brake, Dial } from "../domain/dial.ts";
import type { Node, Quarantine } from "../domain/node.ts";
import type { OutcomeRecord } from "../domain/outcome.ts";
import type { Override } from "../domain/override.ts";
import type { Permit, PermitEnd } from "../domain/permit.ts";
import type { Release } from "../domain/release.ts";
import type { DialSetting } from "../domain/dial.ts";

/**
 * A pool's books as a permit's move left them. They stand in the audit log beside the permit, so that whoever reads only the
 * log can hold them against a replay: who decided on another state than the log's shows here. Units of work a second, in
 * thousandths.
 */
export interface Books {
  /** Permits that are charged: granted and not back. */
  readonly onLeave: number;
  /** Capacity that they are charged with. */
  readonly chargedMilli: number;
  /** Capacity that serves. */
  readonly freshMilli: number;
  /** Capacity that must serve: the demand with the flat margin. */
  readonly needMilli: number;
}

/** A change to be stored. Those that are decisions also become leaves of the audit log. */
export type Change =
  | { readonly kind: "node"; readonly node: Node }
  | { readonly kind: "permit"; readonly permit: Permit; readonly books?: Books }
  | { readonly kind: "permit-ended"; readonly permit: Permit; readonly end: PermitEnd; readonly books?: Books }
  | { readonly kind: "outcome"; readonly nodeId: string; readonly poolId: string; readonly outcome: OutcomeRecord }
  | { readonly kind: "release"; readonly release: Release }
  | { readonly kind: "dial"; readonly dial: Dial; readonly was: DialSetting["kind"] }
  | { readonly kind: "override"; readonly override: Override }
  | { readonly kind: "override-ended"; readonly override: Override }
  | { readonly kind: "brake"; readonly brake: Brake }
  | { readonly kind: "quarantined"; readonly nodeId: string; readonly poolId: string; readonly quarantine: Quarantine }
  | { readonly kind: "readmitted"; readonly nodeId: string; readonly poolId: string; readonly reason: string };

/** What to do once the changes are durable. */
export type Effect =
  /** Routers are to be told how the node stands. */
  { readonly kind: "member-changed"; readonly nodeId: string };

/** What a step returns. */
export interface Step<A> {
  readonly answer: A;
  readonly changes: readonly Change[];
  readonly effects: readonly Effect[];
}

/** Two lists as one, without a copy where one is empty, as one nearly always is. */
export function joined<T>(a: readonly T[], b: readonly T[]): readonly T[] {
  return a.length === 0 ? b : b.length === 0 ? a : [...a, ...b];
}
