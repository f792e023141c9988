/** Lets a device live from power-on until a goal is reached, and writes down every disk operation with what was promised then. */
import type { AskInput, Durable, WorkBuild } from "@moult/agent/inside";
import { StateFile, deviceLayout } from "@moult/agent/inside";
import { type BootRecord, BootRecordFiles, slotLayout } from "@moult/slots";
import { type DiskState, ModelDisk, imageAt, settledImage } from "@moult/simulation";
import type { CrashBuild } from "./builds.ts";
import { inspectParts } from "./checker.ts";
import { Ledger, NOTHING, type Promises, recordText, stateText } from "./promises.ts";
import { Device, type Pieces } from "./world/device.ts";
import { ROOT } from "./world/settings.ts";
import { VirtualClock } from "./world/virtual-clock.ts";

/** A disk operation, and the moment after it. */
export interface Step {
  /** In words, as in `sync /device/state/boot-0`. */
  readonly what: string;
  readonly state: DiskState;
  readonly promises: Promises;
}

/** How the device is played. */
export interface PlayOptions {
  readonly start: DiskState;
  /** What the disk has to hold at the start; undefined for whatever it holds. */
  readonly promises?: Promises;
  readonly bootId: string;
  readonly pieces: Pieces;
  readonly wanted: (ask: AskInput, seen: Seen) => CrashBuild | undefined;
  readonly isDone: (seen: Seen) => boolean;
}

/** What a goal can look at. */
export interface Seen {
  readonly record: BootRecord | undefined;
  readonly durable: Durable;
  readonly asks: number;
  readonly device: Device;
}

/** What was played. */
export interface Played {
  readonly steps: readonly Step[];
  readonly device: Device;
  readonly end: DiskState;
  readonly promises: Promises;
  /** Why the goal was not reached; undefined where it was. */
  readonly failure: string | undefined;
}

/** A device may take this long for its goal, on its own clock, in milliseconds: twelve hours. */
const WITHIN_MS = 43_200_000;

/** The longest story takes a tenth of these operations; who needs more goes round in circles. */
const STEPS_MAX = 3_000;

/** The monotonic clock of a host that has just started, in milliseconds. */
const BOOTED_MS = 1_000;

/** Plays it. */
export async function play(options: PlayOptions): Promise<Played> {
  const disk = new ModelDisk(options.start);
  const found = await promisesOf(disk);
  const ledger = new Ledger(options.promises ?? found, found);
  const steps: Step[] = [];
  disk.onOperation = (what, state) => void steps.push({ what, state, promises: ledger.current });
  const clock = new VirtualClock(BOOTED_MS);
  let asks = 0;
  const device: Device = new Device({
    disk,
    clock,
    bootId: options.bootId,
    ledger,
    pieces: options.pieces,
    wanted: (ask) => {
      asks += 1;
      return options.wanted(ask, seen());
    },
    onWork: (build, folder) => checkWork(build, folder, disk, device),
  });
  const seen = (): Seen => ({ ...readBack(ledger.found), asks, device });
  device.powerOn();
  const isOver = (): boolean => steps.length > STEPS_MAX || device.defects.length > 0 || options.isDone(seen());
  const passed = await clock.pass(isOver, WITHIN_MS);
  device.powerOff();
  disk.onOperation = undefined;
  const ended = steps.length > STEPS_MAX ? "no end of writing" : passed;
  const failure = device.defects[0] ?? (ended === "done" ? undefined : `the goal was not reached: ${ended}`);
  return { steps, device, end: disk.state, promises: ledger.current, failure };
}

/** What the disk holds is what was promised. */
export async function promisesOf(disk: ModelDisk): Promise<Promises> {
  const record = recordText(await new BootRecordFiles(disk, slotLayout(ROOT).state).read());
  const { durable } = await new StateFile(disk, deviceLayout(ROOT).stateFile).read();
  return { record: { last: record, next: [] }, state: { last: stateText(durable), next: [] } };
}

/** The promises as the values they are about. */
export function readBack({ record, state }: Pick<Promises, "record" | "state">): {
  readonly record: BootRecord | undefined;
  readonly durable: Durable;
} {
  return {
    record: record.last === NOTHING ? undefined : (JSON.parse(record.last) as BootRecord),
    durable: JSON.parse(state.last) as Durable,
  };
}

function checkWork(build: WorkBuild, folder: string, disk: ModelDisk, device: Device): void {
  const tree = imageAt(settledImage(disk.state), folder);
  const parts = build.parts.map(({ lengthBytes, ...part }) => ({ ...part, length_bytes: lengthBytes }));
  const why = tree === undefined ? "it is not there" : inspectParts(tree, parts);
  if (why !== undefined) device.defects.push(`the workload was started from a folder that is not whole: ${why}`);
}
