/** How often something happens by itself, counted in windows that begin with its first time. */
import { BoundedMap } from "./bounded-map.ts";

interface Window {
  readonly startedAtMs: number;
  count: number;
}

/** Counts by key; forgets the keys that were counted longest ago. */
export class Rates {
  readonly #windows: BoundedMap<string, Window>;
  readonly #windowMs: number;

  constructor(windowMs: number, keysMax: number) {
    this.#windows = new BoundedMap(keysMax);
    this.#windowMs = windowMs;
  }

  get size(): number {
    return this.#windows.size;
  }

  /** Counts one more; answers how many there are in the window that holds now. */
  count(key: string, now: number): number {
    const window = this.#windows.get(key);
    if (window !== undefined && now - window.startedAtMs < this.#windowMs) {
      window.count += 1;
      return window.count;
    }
    this.#windows.set(key, { startedAtMs: now, count: 1 });
    return 1;
  }
}
