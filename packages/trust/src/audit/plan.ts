/**
 * Which nodes of the tree make up a root or a proof. A plan names complete subtrees only; whoever holds tiles looks their
 * hashes up, and `fold` puts them together. Sizes and indices are whole numbers up to 2^53 - 1, so no 32-bit operators.
 */
import { AuditError } from "./errors.ts";
import { EMPTY_ROOT, nodeHash } from "./hash.ts";

/** The complete subtree over the leaves `index * 2^level` to `(index + 1) * 2^level - 1`. */
export interface Subtree {
  readonly level: number;
  readonly index: number;
}

/** Complete subtrees from left to right whose hashes, folded from the right, are one hash. */
export type Run = readonly Subtree[];

/** Throws AuditError PROOF_INVALID where `size` is no size of a tree. */
export function checkSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw invalid(`${size} is no size of a tree`);
}

/** The root of the tree with `size` leaves. Empty for the empty tree. */
export function rootPlan(size: number): Run {
  checkSize(size);
  return size === 0 ? [] : run(0, size);
}

/** The inclusion proof of leaf `index` in the tree with `size` leaves: RFC 6962, section 2.1.1, lowest node first. */
export function inclusionPlan(index: number, size: number): readonly Run[] {
  checkSize(size);
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw invalid(`a tree of ${size} leaves has no leaf ${index}`);
  }
  const path: Run[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + largestPowerBelow(to - from);
    if (index < middle) {
      path.push(run(middle, to));
      to = middle;
    } else {
      path.push(run(from, middle));
      from = middle;
    }
  }
  return path.toReversed();
}

/** The consistency proof from the tree with `oldSize` leaves to that with `size`: RFC 6962, section 2.1.2. */
export function consistencyPlan(oldSize: number, size: number): readonly Run[] {
  checkSize(oldSize);
  checkSize(size);
  if (oldSize > size) throw invalid(`a tree of ${size} leaves cannot have had ${oldSize}`);
  if (oldSize === 0 || oldSize === size) return [];
  const path: Run[] = [];
  let [from, to] = [0, size];
  // Down to the subtree that ends where the old tree ended.
  while (to !== oldSize) {
    const middle = from + largestPowerBelow(to - from);
    if (oldSize <= middle) {
      path.push(run(middle, to));
      to = middle;
    } else {
      path.push(run(from, middle));
      from = middle;
    }
  }
  // Who checks the proof knows the old root, and so needs no node for it where it is itself complete.
  if (from !== 0) path.push(run(from, to));
  return path.toReversed();
}

/** The one hash of a run. */
export function fold(run: Run, hashOf: (subtree: Subtree) => Uint8Array): Uint8Array {
  const last = run.at(-1);
  if (last === undefined) return EMPTY_ROOT;
  return run.slice(0, -1).reduceRight((right, left) => nodeHash(hashOf(left), right), hashOf(last));
}

/** The leaves `from` to `to - 1`, where `from` is a multiple of the power of two that holds them all. */
function run(from: number, to: number): Run {
  const parts: Subtree[] = [];
  for (let at = from; at < to;) {
    const level = powerWithin(to - at);
    const width = 2 ** level;
    parts.push({ level, index: at / width });
    at += width;
  }
  return parts;
}

/** The largest power of two below `size`, which is 2 or more. */
function largestPowerBelow(size: number): number {
  const power = 2 ** powerWithin(size);
  return power === size ? power / 2 : power;
}

/** The exponent of the largest power of two that is at most `size`. The logarithm of large numbers is rounded. */
function powerWithin(size: number): number {
  const exponent = Math.floor(Math.log2(size));
  return 2 ** exponent > size ? exponent - 1 : exponent;
}

function invalid(message: string): AuditError {
  return new AuditError("PROOF_INVALID", message);
}
