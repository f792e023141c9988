/** Takes the figures of a run from what was seen from outside and what was told. Pure. */
import type { Evidence, Figures } from "../figures.ts";
import type { PreparedRelease } from "../fleet/releases.ts";
import type { Told } from "../fleet/told.ts";
import type { LoadFigures } from "../load/messages.ts";
import type { FloorFigures } from "../measure/floor.ts";
import { median } from "../measure/median.ts";
import type { Seen } from "../observer/messages.ts";

/** Everything there is to measure by. */
export interface Readings {
  readonly nodes: number;
  readonly told: Told;
  readonly seen: Seen;
  readonly traffic: LoadFigures;
  readonly floor: FloorFigures;
  /** Boxes that ever reported version 2 committed. */
  readonly reportedCommitted: ReadonlySet<string>;
  readonly two: Pick<PreparedRelease, "version">;
  readonly three: Pick<PreparedRelease, "version">;
  readonly namedForThree: readonly string[];
  readonly elapsedMs: number;
}

/** A node counts as committed or reverted only where both its own door and the coordinator say so. */
export function takeFigures(readings: Readings): { readonly figures: Figures; readonly evidence: Evidence } {
  const { told, seen, traffic, floor, two, three } = readings;
  const onTwo = seen.nodes.filter((node) => node.serving && node.version === two.version).map(({ box }) => box);
  const triedThree = seen.nodes
    .filter(({ versionsSeen }) => versionsSeen.includes(three.version))
    .map(({ box }) => box);
  const reverted = told.nodes.filter(({ outcome }) => outcome === "REVERTED").map(({ box }) => box);
  const figures: Figures = {
    nodes: readings.nodes,
    committed: onTwo.filter((box) => readings.reportedCommitted.has(box)).length,
    reverted: reverted.filter((box) => triedThree.includes(box) && onTwo.includes(box)).length,
    requestsTotal: traffic.total,
    requestsFailed: traffic.failed,
    refusals: told.refusals,
    awayAtOnceMax: seen.awayAtOnceMax,
    awayMsMedian: Math.round(median(seen.absencesMs)),
    capacityFloorHeld: floor.held,
    durationS: Math.round(readings.elapsedMs / 100) / 10,
  };
  return { figures, evidence: { triedThree, namedForThree: readings.namedForThree } };
}
