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

/** A change to be stored. Those that are decisions also become leaves of the audit log. */
export type Change =
  | { readonly kind: "node"; readonly node: Node }
  | { readonly kind: "permit"; readonly permit: Permit }
  | { readonly kind: "permit-ended"; readonly permit: Permit; readonly end: PermitEnd }
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
