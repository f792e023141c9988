/**
 * Series from outside, as text: `minute,value` for demand, `node,start_minute,end_minute` for the times in which a node was
 * up. It parses and looks up; it reads no files.
 */

/** A demand series; minutes rise strictly. */
export interface Trace {
  readonly minutes: Float64Array;
  readonly values: Float64Array;
}

/** One session of one node. */
export interface AvailabilityRow {
  readonly node: string;
  readonly startMinute: number;
  readonly endMinute: number;
}

/** A series that cannot be replayed, with the line that is wrong. */
export class TraceError extends Error {
  override readonly name = "TraceError";
}

/** Reads a demand series. The header is optional. Throws TraceError. */
export function parseDemand(text: string): Trace {
  const rows = numbered(text).map(({ line, cells }) => {
    const [minute, value] = cells.map(Number);
    if (cells.length !== 2 || !finite(minute) || !finite(value) || value < 0) {
      throw new TraceError(`line ${line}: want "minute,value" with numbers, the value not negative`);
    }
    return { line, minute, value };
  });
  if (rows.length < 2) throw new TraceError("want at least two rows of minute,value");
  for (const [index, row] of rows.entries()) {
    const before = rows[index - 1];
    if (before !== undefined && row.minute <= before.minute) {
      throw new TraceError(`line ${row.line}: minutes must rise`);
    }
  }
  return { minutes: Float64Array.from(rows, (row) => row.minute), values: Float64Array.from(rows, (row) => row.value) };
}

/** Reads up times. Throws TraceError. */
export function parseAvailability(text: string): readonly AvailabilityRow[] {
  return numbered(text).map(({ line, cells }) => {
    const [node = "", start = "", end = ""] = cells;
    const startMinute = Number(start);
    const endMinute = Number(end);
    if (cells.length !== 3 || node === "" || !finite(startMinute) || !finite(endMinute) || endMinute < startMinute) {
      throw new TraceError(`line ${line}: want "node,start_minute,end_minute", the end not before the start`);
    }
    return { node, startMinute, endMinute };
  });
}

/** The value at a minute, between two rows by a straight line; outside the series its first or last value. */
export function valueAt(trace: Trace, minute: number): number {
  const { minutes, values } = trace;
  let low = 0;
  let high = minutes.length - 1;
  if (minute <= (minutes[0] as number)) return values[0] as number;
  if (minute >= (minutes[high] as number)) return values[high] as number;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((minutes[middle] as number) <= minute) low = middle;
    else high = middle;
  }
  const from = minutes[low] as number;
  const share = (minute - from) / ((minutes[high] as number) - from);
  return (values[low] as number) * (1 - share) + (values[high] as number) * share;
}

/** Where `count` windows of a length start, spread evenly over a series, each at the given hour of its day. */
export function windowStarts(
  trace: Trace,
  count: number,
  shape: { readonly beforeMinutes: number; readonly lengthMinutes: number; readonly hour: number },
): readonly number[] {
  const first = (trace.minutes[0] as number) + shape.beforeMinutes;
  const last = (trace.minutes.at(-1) as number) - shape.lengthMinutes;
  if (last < first) throw new TraceError("the series is shorter than one window with its history");
  return Array.from({ length: count }, (_, index) => {
    const about = first + ((last - first) * (index + 0.5)) / count;
    const day = Math.floor(about / 1440);
    const start = day * 1440 + shape.hour * 60;
    return start < first ? start + 1440 : start > last && start - 1440 >= first ? start - 1440 : start;
  });
}

function finite(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value);
}

function numbered(text: string): readonly { readonly line: number; readonly cells: readonly string[] }[] {
  return (
    text
      .split(/\r?\n/)
      .map((row, index) => ({ line: index + 1, cells: row.split(",").map((cell) => cell.trim()), row: row.trim() }))
      .filter(({ row }) => row !== "" && !row.startsWith("#"))
      // The first row may name the columns.
      .filter(({ cells }, index) => index > 0 || Number.isFinite(Number(cells.at(-1))))
  );
}
