/** All blows. */
import type { Blow } from "./blow.ts";
import { CLOCKS } from "./clocks.ts";
import { DISKS } from "./disks.ts";
import { KILLS } from "./kills.ts";
import { PARTITIONS } from "./partitions.ts";

/** Every kind, those of one stage beside each other. */
export const BLOWS: readonly Blow[] = [...KILLS, ...PARTITIONS, ...CLOCKS, ...DISKS].toSorted((a, b) =>
  a.stage.localeCompare(b.stage),
);
