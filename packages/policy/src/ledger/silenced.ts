/** Nodes that fell silent, of whom nobody was told yet, in the order of their silence: a whole fleet may be at once. */
import type { Node } from "../domain/node.ts";

/** So many places that were read are let stand before the list is cut: to cut it costs as much as it is long. */
const READ_MAX = 100_000;

/** The list. Both ends cost the same however long it is. */
export class Silenced {
  #nodes: Node[] = [];
  #read = 0;

  get length(): number {
    return this.#nodes.length - this.#read;
  }

  /** Another fell silent. */
  add(node: Node): void {
    this.#nodes.push(node);
  }

  /** The first of them, at most so many; they are told of now. */
  take(countMax: number): readonly Node[] {
    const taken = this.#nodes.slice(this.#read, this.#read + countMax);
    this.#read += taken.length;
    if (this.length === 0) {
      this.#nodes = [];
      this.#read = 0;
    } else if (this.#read >= READ_MAX) {
      this.#nodes = this.#nodes.slice(this.#read);
      this.#read = 0;
    }
    return taken;
  }
}
