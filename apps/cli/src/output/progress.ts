/** A line on stderr that says how far a long copy is; only where a person looks. */
import type { Ports } from "../ports.ts";
import { formatBytes } from "./text.ts";

/** Redrawing more often than this, in milliseconds, only flickers. */
const REDRAW_MS = 100;

const CLEAR_LINE = "\r\u001B[2K";

/** How far one file is. */
export interface Progress {
  readonly what: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** A line that is redrawn, and taken away at the end. */
export interface Line<T> {
  readonly show: (value: T) => void;
  readonly clear: () => void;
}

/** A line for the progress of one file. */
export type ProgressLine = Line<Progress>;

/** The progress line for these ports; it does nothing where stderr is no terminal. */
export function progressLine(ports: Ports): ProgressLine {
  const line = statusLine(ports);
  return {
    show({ what, doneBytes, totalBytes }) {
      const percent = totalBytes === 0 ? 100 : Math.floor((doneBytes / totalBytes) * 100);
      line.show(`${what}  ${percent}%  ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`);
    },
    clear: line.clear,
  };
}

/** A line of any text for these ports; it does nothing where stderr is no terminal. */
export function statusLine(ports: Ports): Line<string> {
  const { stderr } = ports;
  if (!stderr.isTTY) return { show: () => {}, clear: () => {} };
  let drawnAt = Number.NEGATIVE_INFINITY;
  return {
    show(text) {
      const now = ports.now();
      if (now - drawnAt < REDRAW_MS) return;
      drawnAt = now;
      stderr.write(CLEAR_LINE + text.slice(0, Math.max(0, stderr.columns - 1)));
    },
    clear() {
      if (drawnAt !== Number.NEGATIVE_INFINITY) stderr.write(CLEAR_LINE);
    },
  };
}
