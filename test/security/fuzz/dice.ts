/** Chance from a seed: small, fast, and the same everywhere, so that every input can be made again by itself. */

/** Whole numbers by xorshift128, seeded with splitmix32 of several words. */
export class Dice {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(...seeds: readonly number[]) {
    let state = 0x9e3779b9;
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let t = state ^ (state >>> 16);
      t = Math.imul(t, 0x21f0aaad);
      t ^= t >>> 15;
      t = Math.imul(t, 0x735a2d97);
      return (t ^ (t >>> 15)) >>> 0;
    };
    for (const seed of seeds) state = next() ^ seed;
    [this.#a, this.#b, this.#c, this.#d] = [next() | 1, next(), next(), next()];
  }

  /** 0 to `sides` - 1. */
  roll(sides: number): number {
    let t = this.#d;
    const s = this.#a;
    this.#d = this.#c;
    this.#c = this.#b;
    this.#b = s;
    t ^= t << 11;
    t ^= t >>> 8;
    this.#a = t ^ s ^ (s >>> 19);
    return (this.#a >>> 0) % sides;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.roll(items.length)] as T;
  }
}

/** A number that stands for a text, for seeding. */
export function numberOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
