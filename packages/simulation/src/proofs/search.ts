/**
 * Tries every order of steps in a small world, breadth first, up to a depth. States that were seen are not looked at again, so
 * the search is exhaustive for that depth; a broken rule comes with the shortest way to it.
 */
import { Broken, SmallWorld, type Step } from "./small-world.ts";
import type { MakeSubject } from "./subject.ts";

/** What a search found. */
export interface Found {
  /** Different states that were reached. */
  readonly states: number;
  /** The shortest way to a broken rule, and the rule; none where all held. */
  readonly broken: { readonly steps: readonly Step[]; readonly rule: string } | undefined;
}

/** Searches. */
export function search(make: MakeSubject, { nodes, depth }: { readonly nodes: number; readonly depth: number }): Found {
  const seen = new Set<string>([new SmallWorld(make, nodes).key()]);
  let frontier: readonly (readonly Step[])[] = [[]];
  for (let level = 0; level < depth; level += 1) {
    const next: (readonly Step[])[] = [];
    for (const way of frontier) {
      for (const step of arrive(make, nodes, way).steps()) {
        const steps = [...way, step];
        const world = arrive(make, nodes, way);
        try {
          world.do(step);
        } catch (error) {
          if (error instanceof Broken) return { states: seen.size, broken: { steps, rule: error.message } };
          throw error;
        }
        const key = world.key();
        if (seen.has(key)) continue;
        seen.add(key);
        next.push(steps);
      }
    }
    frontier = next;
  }
  return { states: seen.size, broken: undefined };
}

/** The world after some steps that are known to hold. */
function arrive(make: MakeSubject, nodes: number, way: readonly Step[]): SmallWorld {
  const world = new SmallWorld(make, nodes);
  for (const step of way) world.do(step);
  return world;
}

/** A way in words. */
export function inWords(steps: readonly Step[]): string {
  return steps.map((step) => ("node" in step ? `${step.kind} n${step.node}` : step.kind)).join(", ");
}
