/**
 * Loaded before a program (`node --import`), it sets that program's wall clock to what a device without a clock of its own
 * may show: `Date` begins at TEST_WALL_CLOCK_MS and runs from there. The monotonic clock is left as it is.
 */
const beginMs = Number(process.env["TEST_WALL_CLOCK_MS"]);
const startedMs = performance.now();
const now = (): number => Math.floor(beginMs + performance.now() - startedMs);
const RealDate = Date;

class ShiftedDate extends RealDate {
  constructor(...given: readonly unknown[]) {
    super(...((given.length === 0 ? [now()] : given) as [number]));
  }

  static override now(): number {
    return now();
  }
}

globalThis.Date = ShiftedDate as DateConstructor;
