/** A block of lines that is drawn over itself on a terminal. */
import type { Sink } from "../ports.ts";

/** Hides the cursor, and cuts long lines instead of breaking them: a broken line would be counted as one. */
const BEGIN = "\u001B[?25l\u001B[?7l";
const END = "\u001B[?7h\u001B[?25h";
const CLEAR_BELOW = "\u001B[J";

/** Draws frames; `end` leaves the last one standing. */
export interface LiveBlock {
  readonly draw: (frame: string) => void;
  readonly end: () => void;
}

/** A block on `sink`. Frames end with a line break. */
export function liveBlock(sink: Sink): LiveBlock {
  let lines = 0;
  return {
    draw(frame) {
      const back = lines === 0 ? BEGIN : `\u001B[${lines}A\r${CLEAR_BELOW}`;
      sink.write(back + frame);
      lines = frame.split("\n").length - 1;
    },
    end() {
      if (lines > 0) sink.write(END);
    },
  };
}
