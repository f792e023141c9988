/** The whole fleet as seen from outside: who takes work at this moment, and how many were ever away at once. */
import type { SeenNode, Seen } from "./messages.ts";
import { type Answer, Sight } from "./sight.ts";

/** All nodes, by the name of their box. */
export class FleetSight {
  readonly #sights: ReadonlyMap<string, Sight>;
  #awayAtOnceMax = 0;

  constructor(boxes: readonly string[]) {
    this.#sights = new Map(boxes.map((box) => [box, new Sight()]));
  }

  /** At `nowMs` the node of `box` answered, or (undefined) did not. */
  see(box: string, nowMs: number, answer: Answer | undefined): void {
    this.#sights.get(box)?.see(nowMs, answer);
    const away = [...this.#sights.values()].filter((sight) => sight.away).length;
    this.#awayAtOnceMax = Math.max(this.#awayAtOnceMax, away);
  }

  /** What is counted counts from now. */
  begin(): void {
    this.#awayAtOnceMax = 0;
    for (const sight of this.#sights.values()) sight.begin();
  }

  /** Everything that has been seen so far. */
  seen(): Seen {
    const sights = [...this.#sights];
    const nodes = sights.map(([box, sight]): SeenNode => {
      const { serving, last } = sight;
      return {
        box,
        serving,
        version: last?.version ?? "",
        phase: last?.phase ?? "",
        message: last?.message ?? "",
        versionsSeen: [...sight.versionsSeen],
      };
    });
    const serving = sights.filter(([, sight]) => sight.serving);
    return {
      nodes,
      servingCapacityRps: serving.reduce((sum, [, sight]) => sum + (sight.last?.capacityRps ?? 0), 0),
      awayAtOnceMax: this.#awayAtOnceMax,
      absencesMs: sights.flatMap(([, sight]) => sight.absencesMs),
    };
  }
}
