/**
 * Loaded before a program (`node --import`), it makes that program's wall clock leap: `Date` is off by MOULT_TEST_AHEAD_MS from the
 * start, and with each SIGUSR2 by what the file MOULT_TEST_AHEAD_FILE says then. The monotonic clock is left as it is, as
 * it is on a machine whose time is set.
 */
import { readFileSync } from "node:fs";

const file = process.env["MOULT_TEST_AHEAD_FILE"] ?? "";
let aheadMs = Number(process.env["MOULT_TEST_AHEAD_MS"] ?? 0);
const RealDate = Date;

class LeapingDate extends RealDate {
  constructor(...given: readonly unknown[]) {
    super(...((given.length === 0 ? [LeapingDate.now()] : given) as [number]));
  }

  static override now(): number {
    return RealDate.now() + aheadMs;
  }
}

globalThis.Date = LeapingDate as DateConstructor;
process.on("SIGUSR2", () => {
  aheadMs = Number(readFileSync(file, "utf8"));
});
