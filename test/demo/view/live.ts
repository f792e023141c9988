/** The view for a terminal: one picture, redrawn in place. It gives the terminal back as it was. */
import type { WriteStream } from "node:tty";
import { renderScene } from "./render.ts";
import type { Scene, Story } from "./scene.ts";
import type { View } from "./view.ts";

/** The other screen, without a cursor; and back. */
const ENTER = "\u001b[?1049h\u001b[?25l\u001b[2J";
const LEAVE = "\u001b[?25h\u001b[?1049l";
/** Around a picture: a terminal that knows it shows the whole at once. */
const BEGIN_UPDATE = "\u001b[?2026h";
const END_UPDATE = "\u001b[?2026l";
const HOME = "\u001b[H";
const CLEAR_LINE_END = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";
/** A terminal that does not tell its size has this one. */
const COLUMNS = 80;
const ROWS = 24;

/** A live view on `terminal`. */
export function createLiveView(terminal: WriteStream, colour: boolean): View {
  let story: Story = { step: 0, steps: 0, title: "", notes: [] };
  let open = true;
  terminal.write(ENTER);
  const close = (): void => {
    if (open) terminal.write(LEAVE);
    open = false;
    process.off("exit", close);
  };
  // Also where an error ends the demo: a terminal without a cursor is a poor farewell.
  process.on("exit", close);
  return {
    begin: (step, steps, title) => (story = { step, steps, title, notes: [] }),
    tell: (sentence) => (story = { ...story, notes: [...story.notes, sentence] }),
    draw: (scene: Scene) => {
      if (!open) return;
      const frame = { columns: terminal.columns ?? COLUMNS, rows: terminal.rows ?? ROWS, colour };
      const lines = renderScene(scene, story, frame);
      const picture = lines.map((line) => line + CLEAR_LINE_END).join("\r\n");
      terminal.write(BEGIN_UPDATE + HOME + picture + CLEAR_BELOW + END_UPDATE);
    },
    close,
  };
}
