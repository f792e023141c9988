/** Random histories: batches of changes of every kind, over few nodes and pools, so that they meet. */
import fc from "fast-check";
import type { StoreChange } from "../port.ts";
import { brakeOf, eventOf, identityOf, said, permitOf } from "./changes.ts";

/** Each node has its pool. */
const POOLS = ["a", "b", "home"];
const nodeId = fc.integer({ min: 0, max: 5 }).map((n) => `n${n}`);
const poolOf = (node: string): string => POOLS[Number(node.slice(1)) % POOLS.length] ?? "home";
const permitId = fc.integer({ min: 0, max: 3 }).map((n) => `p${n}`);
const few = fc.integer({ min: 0, max: 3 });
/** Of clients: everything that a string can hold. */
const text = fc.string({ unit: "grapheme", maxLength: 8 }).map((s) => `${s}\u0000"`);
const bytes = fc.uint8Array({ maxLength: 6 });

const change: fc.Arbitrary<StoreChange> = fc.oneof(
  nodeId.map((id): StoreChange => ({ kind: "enrolled", identity: identityOf(id, poolOf(id)) })),
  fc.tuple(nodeId, fc.nat(9)).map(([id, sequence]): StoreChange => said(id, poolOf(id), sequence)),
  fc
    .tuple(nodeId, permitId)
    .map(([id, permit]): StoreChange => ({ kind: "permit", permit: permitOf(id, permit, poolOf(id)) })),
  fc.tuple(nodeId, permitId).map(([id, permit]): StoreChange => ({
    kind: "permit-ended",
    permit: permitOf(id, permit, poolOf(id)),
    end: "COMMITTED",
  })),
  fc
    .tuple(nodeId, text)
    .map(([id, reason]): StoreChange => ({ kind: "readmitted", nodeId: id, poolId: poolOf(id), reason })),
  fc.tuple(few, few).map(([version, releaseCounter]): StoreChange => ({
    kind: "release",
    release: { version: `v${version}`, releaseCounter, builds: [], recalled: false, createdAtMs: 1, seed: "ab" },
  })),
  fc.tuple(few, fc.uniqueArray(nodeId)).map(([version, nodes]): StoreChange => ({
    kind: "dial",
    dial: {
      version: `v${version}`,
      setting: { kind: "named", nodes: new Set(nodes), selectors: [] },
      updatedAtMs: 2,
    },
    was: "nobody",
  })),
  fc.tuple(few, fc.boolean(), text).map(([n, ended, reason]): StoreChange => {
    const override = {
      overrideId: `o${n}`,
      poolId: POOLS[n % POOLS.length] ?? "home",
      nodeIds: [],
      reason,
      deficitMaxRps: 1.5,
      allowShardAndDomain: false,
      expiresAtMs: 3,
    };
    return { kind: ended ? "override-ended" : "override", override };
  }),
  text.map(brakeOf),
  fc.tuple(few, few).map(([n, usesLeft]): StoreChange => ({
    kind: "token",
    token: { tokenHash: `t${n}`, poolId: "a", usesLeft, expiresAtMs: 2 ** 52, labels: {} },
  })),
  fc.tuple(few, bytes).map(([version, file]): StoreChange => ({
    kind: "metadata",
    file: { role: version % 2 === 0 ? "root" : "targets", version, bytes: file },
  })),
  few.map((version): StoreChange => ({
    kind: "metadata-dropped",
    file: { role: version % 2 === 0 ? "root" : "targets", version },
  })),
  fc.tuple(few, text, bytes).map(([n, reason, statement]): StoreChange => ({
    kind: "brake-statement",
    brake: { digest: `b${n}`, statement, reason, issuedAtMs: 1, expiresAtMs: 2 ** 52, breaker: "" },
    word: { by: "op", reason, statement: "AA==" },
  })),
  // The last one lets the first two go, whichever comes first and in whichever batch.
  fc
    .tuple(fc.constantFrom(1, 2, 3, 10_002), fc.constantFrom("", ...POOLS), text)
    .map(([eventId, poolId, message]): StoreChange => ({ kind: "event", event: eventOf(eventId, poolId, message) })),
  fc.tuple(text, bytes).map(([requestId, response]): StoreChange => ({
    kind: "request",
    request: { requestId, requestHash: "h", response, atMs: 2 ** 52 },
  })),
  fc.tuple(few, fc.integer({ min: 0, max: 2 ** 52 })).map(([n, demand]): StoreChange => ({
    kind: "totals",
    demandByPool: new Map([[POOLS[n % POOLS.length] ?? "a", demand]]),
    tally: { committed: n, reverted: 0, lost: 0, refusals: { ALLOWLIST: 0, DIAL: 0, CAPACITY: n } },
  })),
);

/** Everybody is enrolled first, as nothing is said by a node that is not. */
const everybody: readonly StoreChange[] = Array.from({ length: 6 }, (_, n) => `n${n}`).map((id) => ({
  kind: "enrolled",
  identity: identityOf(id, poolOf(id)),
}));

/** Some batches, the first of which enrols everybody. */
export const history: fc.Arbitrary<readonly (readonly StoreChange[])[]> = fc
  .array(fc.array(change, { maxLength: 12 }), { minLength: 1, maxLength: 6 })
  .map((batches) => [everybody, ...batches]);
