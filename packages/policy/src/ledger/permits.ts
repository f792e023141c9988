/** A permit's life: granted, departed, returned, ended. Each move charges or frees the pool's books with it. */
import type { Node } from "../domain/node.ts";
import type { Permit, PermitEnd } from "../domain/permit.ts";
import type { Target } from "../domain/verdict.ts";
import { flatNeedMilli } from "../gates/capacity.ts";
import type { Books, Change } from "./changes.ts";
import { toMilli } from "../pool/units.ts";
import { type Ledger, memberOf, poolOf } from "./ledger.ts";

/** Grants leave: capacity is charged at once. */
export function grant(
  ledger: Ledger,
  node: Node,
  target: Target,
  grant: { readonly permitId: string; readonly overrideId: string | undefined },
  now: number,
): { readonly permit: Permit; readonly changes: readonly Change[] } {
  const { nodeId, poolId } = node;
  const asked: Permit = {
    permitId: grant.permitId,
    nodeId,
    poolId,
    fromDigest: node.running?.digest ?? "",
    toDigest: target.build.digest,
    version: target.release.version,
    phase: "DRAINING",
    grantedAtMs: now,
    expiresAtMs: now + ledger.config.pool.permitTtlMs,
    ...(grant.overrideId === undefined ? {} : { overrideId: grant.overrideId }),
  };
  hold(ledger, node, asked);
  const permit: Permit = { ...asked, chargedMilli: memberOf(ledger, node).chargedMilli };
  node.permit = permit;
  return { permit, changes: [{ kind: "permit", permit, books: booksOf(ledger, poolId) }] };
}

/** Puts a permit into the books: a new one, or one that was stored before a restart. */
export function hold(ledger: Ledger, node: Node, permit: Permit): void {
  node.permit = permit;
  if (permit.phase !== "RETURNED") {
    const curve = ledger.absences.curve(permit.toDigest, node.model);
    // After a restart the node has not spoken yet: then it is charged with what it was charged with when it left.
    const claimMilli = permit.chargedMilli ?? toMilli(node.capacityRps);
    poolOf(ledger, permit.poolId).leave(memberOf(ledger, node), { curve, sinceMs: permit.grantedAtMs, claimMilli });
  }
  ledger.deadlines.add({ atMs: permit.expiresAtMs, permitId: permit.permitId, nodeId: permit.nodeId });
}

/** The node is drained and was checked again. */
export function depart(
  ledger: Ledger,
  node: Node,
  permit: Permit,
  now: number,
): { readonly permit: Permit; readonly changes: readonly Change[] } {
  const away: Permit = { ...permit, phase: "AWAY" };
  node.permit = away;
  poolOf(ledger, permit.poolId).depart(memberOf(ledger, node), now);
  return { permit: away, changes: [{ kind: "permit", permit: away, books: booksOf(ledger, permit.poolId) }] };
}

/** The node's work is restored; the next report counts again. */
export function comeBack(ledger: Ledger, node: Node, permit: Permit, now: number): readonly Change[] {
  const returned: Permit = { ...permit, phase: "RETURNED" };
  node.permit = returned;
  poolOf(ledger, permit.poolId).endLeave(memberOf(ledger, node), now, true);
  return [{ kind: "permit", permit: returned, books: booksOf(ledger, permit.poolId) }];
}

/** Ends a permit. What it charged is freed; capacity comes back with the node's next report only. */
export function endPermit(
  ledger: Ledger,
  node: Node,
  permit: Permit,
  { end, now }: { readonly end: PermitEnd; readonly now: number },
): readonly Change[] {
  node.permit = undefined;
  // An absence says how long absences are if the node was away and came back; one that was refused or never ended does not.
  const known = permit.phase === "AWAY" && (end === "COMMITTED" || end === "REVERTED");
  poolOf(ledger, permit.poolId).endLeave(memberOf(ledger, node), now, known);
  return [{ kind: "permit-ended", permit, end, books: booksOf(ledger, permit.poolId) }];
}

function booksOf(ledger: Ledger, poolId: string): Books {
  const pool = poolOf(ledger, poolId);
  const { onLeaveCount: onLeave, chargedMilli, capacityFreshMilli: freshMilli } = pool;
  return { onLeave, chargedMilli, freshMilli, needMilli: flatNeedMilli(pool) };
}
