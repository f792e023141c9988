/**
 * Inputs that nobody would write: random bytes, and valid files that were damaged. Everything comes from one seed, so a
 * finding replays exactly. For tests only.
 */
import { text } from "./forge.ts";

/** Whole numbers from a seed (mulberry32): small, fast, and the same everywhere. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 to `sides` - 1. */
  roll(sides: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % sides;
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.roll(items.length)] ?? items[0];
  }
}

/** Pieces that have meaning to a reader, put where they do not belong. */
const PIECES: readonly [string, ...string[]] = [
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  '"',
  "\\",
  "\\u0000",
  "\\ud800",
  "null",
  "true",
  "-0",
  "1e999",
  "0.5",
  "9007199254740993",
  "-1",
  '"__proto__":',
  '"constructor":',
  '"signed":',
  '"version":',
  '"keyids":[],',
  "\u0000",
  "\ufeff",
  "[[[[[[[[[[[[[[[[",
  '{"a":',
  " ".repeat(64),
];

/** Random bytes, up to `lengthMax`. */
export function noise(dice: Dice, lengthMax: number): Uint8Array {
  return Uint8Array.from({ length: dice.roll(lengthMax + 1) }, () => dice.roll(256));
}

/** A file with one to four damages. */
export function damaged(dice: Dice, file: Uint8Array): Uint8Array {
  let bytes = file;
  for (let times = 1 + dice.roll(4); times > 0; times -= 1) bytes = damage(dice, bytes);
  return bytes;
}

function damage(dice: Dice, bytes: Uint8Array): Uint8Array {
  const at = dice.roll(bytes.length + 1);
  const to = Math.min(bytes.length, at + dice.roll(64));
  const replaced = (middle: Uint8Array, from = at): Uint8Array =>
    new Uint8Array(Buffer.concat([bytes.subarray(0, from), middle, bytes.subarray(to)]));
  switch (dice.roll(7)) {
    case 0: {
      const flipped = Uint8Array.from(bytes);
      if (at < flipped.length) flipped[at] = (flipped[at] ?? 0) ^ (1 << dice.roll(8));
      return flipped;
    }
    case 1:
      return bytes.slice(0, at);
    case 2:
      return replaced(new Uint8Array());
    case 3:
      return replaced(text(dice.pick(PIECES)));
    case 4:
      return new Uint8Array(Buffer.concat([bytes.subarray(0, to), bytes.subarray(at, to), bytes.subarray(to)]));
    case 5: {
      const start = dice.roll(bytes.length + 1);
      return replaced(bytes.slice(start, start + dice.roll(128)));
    }
    default:
      return replaced(noise(dice, 16));
  }
}
