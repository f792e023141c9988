/** Values that many have alike, kept once. They are shared, so nobody may change one. It decides nothing. */

/** So many are remembered; what differs from node to node is not shared anyway. */
const REMEMBERED_MAX = 10_000;

/** Values by their text. */
export class Alike<T> {
  readonly #known = new Map<string, T>();

  /** The one value of that text. */
  one(text: string, value: () => T): T {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const made = value();
    if (this.#known.size < REMEMBERED_MAX) this.#known.set(text, made);
    return made;
  }
}
