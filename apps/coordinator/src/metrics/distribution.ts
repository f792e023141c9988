/**
 * How values are spread, in plain numbers: what a histogram is made of when somebody looks. Taking a value is a walk over a
 * dozen bounds, so that it can stand in the way of every call. It knows nothing of OpenTelemetry.
 */

/** Values counted by bounds. */
export class Distribution {
  /** Inclusive upper bounds, ascending. */
  readonly bounds: readonly number[];
  /** One more than there are bounds: the last is what lies above all. */
  readonly counts: number[];
  count = 0;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  /** Takes a value. */
  add(value: number): void {
    const { bounds, counts } = this;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] ?? Infinity)) at += 1;
    counts[at] = (counts[at] ?? 0) + 1;
    this.count += 1;
    this.sum += value;
  }
}
