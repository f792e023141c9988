/** Counts bytes that are held for peers, so that what they make a server hold has an end. It holds nothing itself. */

/** So many bytes and no more; those of a part count in the whole as well. */
export class Budget {
  readonly #bytesMax: number;
  readonly #whole: Budget | undefined;
  #bytes = 0;

  constructor(bytesMax: number, whole?: Budget) {
    this.#bytesMax = bytesMax;
    this.#whole = whole;
  }

  /** Bytes that are taken. */
  get takenBytes(): number {
    return this.#bytes;
  }

  /** Takes so many bytes, or says that there are not so many. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#bytesMax) return false;
    if (this.#whole?.take(bytes) === false) return false;
    this.#bytes += bytes;
    return true;
  }

  /** Gives back what was taken. */
  give(bytes: number): void {
    this.#bytes -= bytes;
    this.#whole?.give(bytes);
  }
}
