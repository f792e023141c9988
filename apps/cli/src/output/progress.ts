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
export interface ProgressLine {
  readonly show: (progress: Progress) => void;
  readonly clear: () => void;
}

/** The progress line for these ports; it does nothing where stderr is no terminal. */
export function progressLine(ports: Ports): ProgressLine {
  const { stderr } = ports;
  if (!stderr.isTTY) return { show: () => {}, clear: () => {} };
  let drawnAt = Number.NEGATIVE_INFINITY;
  return {
    show({ what, doneBytes, totalBytes }) {
      const now = ports.now();
      if (now - drawnAt < REDRAW_MS) return;
      drawnAt = now;
      const percent = totalBytes === 0 ? 100 : Math.floor((doneBytes / totalBytes) * 100);
      const text = `${what}  ${percent}%  ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`;
      stderr.write(CLEAR_LINE + text.slice(0, Math.max(0, stderr.columns - 1)));
    },
    clear() {
      if (drawnAt !== Number.NEGATIVE_INFINITY) stderr.write(CLEAR_LINE);
    },
  };
}
