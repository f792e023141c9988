/**
 * Reads a pool's audit log and nothing else, and says what is wrong with it: places that are missing or taken twice, permits
 * beyond the limit, a node that is granted a second one. It shares no code with what writes the log.
 */

/** A leaf, as it stands in the log. */
export interface LogLeaf {
  readonly poolId: string;
  readonly seq: number;
  readonly kind: string;
  /** JSON. */
  readonly body: string;
}

/** Every fault of the logs, in words; none where they are as they have to be. `heldAtEnd` are the stored permits' nodes. */
export function faultsOf(
  leaves: readonly LogLeaf[],
  permitsMax: number,
  heldAtEnd: readonly string[],
): readonly string[] {
  const pools = Map.groupBy(leaves, ({ poolId }) => poolId);
  const open: string[] = [];
  const faults = [...pools].flatMap(([poolId, log]) => {
    const found: string[] = [];
    const held = new Set<string>();
    for (const [n, { seq, kind, body }] of log.toSorted((a, b) => a.seq - b.seq).entries()) {
      if (seq !== n + 1) found.push(`${poolId}: place ${seq} where ${n + 1} belongs`);
      const { nodeId } = JSON.parse(body) as { readonly nodeId: string };
      if (kind === "permit" && held.has(nodeId)) found.push(`${poolId}: ${nodeId} was granted a second permit`);
      if (kind === "permit") held.add(nodeId);
      if (kind === "permit-ended" && !held.delete(nodeId)) found.push(`${poolId}: ${nodeId} gave back what it had not`);
      if (held.size > permitsMax) found.push(`${poolId}: ${held.size} permits, at most ${permitsMax}`);
    }
    open.push(...held);
    return found;
  });
  const stored = heldAtEnd.toSorted().join(", ");
  const replayed = open.toSorted().join(", ");
  return stored === replayed
    ? faults
    : [...faults, `stored permits of ${stored || "nobody"}, replayed ${replayed || "nobody"}`];
}
