/** Blocks of rows that grow with their number: a small table takes little, and a large one wastes little. It decides nothing. */

/** Rows of the first block, and of the largest. */
const ROWS_FIRST = 16;
const ROWS_MAX = 1_024;

/** The blocks of one table. */
export class Blocks<B> {
  readonly #make: (rows: number) => B;
  #block: B | undefined;
  #rows = 0;
  #used = 0;

  /** `make` makes an empty block of so many rows. */
  constructor(make: (rows: number) => B) {
    this.#make = make;
  }

  /** The next free row: its block, and its place there. It is taken from now on. */
  take(): readonly [block: B, at: number] {
    let block = this.#block;
    if (block === undefined || this.#used === this.#rows) {
      this.#rows = this.#rows === 0 ? ROWS_FIRST : Math.min(ROWS_MAX, 2 * this.#rows);
      this.#block = block = this.#make(this.#rows);
      this.#used = 0;
    }
    this.#used += 1;
    return [block, this.#used - 1];
  }
}
