/** A progress bar on one line of a terminal. */

/** Where the bar is written. */
export interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const WIDTH = 30;
/** The bar is redrawn at most so often. */
const REDRAW_MS = 100;

/** The bar; it writes nothing where there is no terminal. */
export class Progress {
  readonly #terminal: Terminal;
  readonly #now: () => number;
  #drawnAtMs = Number.NEGATIVE_INFINITY;

  constructor(terminal: Terminal, now: () => number) {
    this.#terminal = terminal;
    this.#now = now;
  }

  /** Shows how far something is: a share from 0 to 1. */
  show(what: string, share: number): void {
    if (this.#terminal.isTTY !== true) return;
    const now = this.#now();
    if (now - this.#drawnAtMs < REDRAW_MS) return;
    this.#drawnAtMs = now;
    const full = Math.round(Math.min(1, Math.max(0, share)) * WIDTH);
    const bar = "█".repeat(full) + "░".repeat(WIDTH - full);
    this.#terminal.write(`\r\u001B[2K${bar} ${String(Math.round(share * 100)).padStart(3)} % ${what}`);
  }

  /** Takes the bar away. */
  clear(): void {
    if (this.#terminal.isTTY === true) this.#terminal.write("\r\u001B[2K");
  }
}
