/** The live view as lines of text: a pure function of scene, story and the terminal's size. */
import { type Piece, type Style, bar, paintLine, piece } from "./paint.ts";
import type { BoxScene, Scene, Story } from "./scene.ts";

/** What the lines have to fit into. */
export interface Frame {
  readonly columns: number;
  readonly rows: number;
  readonly colour: boolean;
}

/** Widths of the bars, in characters: both leave room for their figures in 80 columns. */
const BAR_WIDTH = 20;
const FLEET_BAR_WIDTH = 40;
/** Notes of a step that are shown: the latest. */
const NOTES_MAX = 6;

const STATE_STYLES: Readonly<Record<string, Style>> = {
  serving: "green",
  returned: "green",
  leaving: "yellow",
  draining: "yellow",
  away: "cyan",
  lost: "red",
  failed: "red",
};

/** At most `frame.rows` lines of at most `frame.columns` characters. The last notes give way first. */
export function renderScene(scene: Scene, story: Story, frame: Frame): string[] {
  const head = [titleLine(scene, frame.columns), stepLine(story), []];
  const body = [boxHead(), ...scene.boxes.map(boxLine), [], ...figureLines(scene), []];
  const room = Math.max(0, Math.min(NOTES_MAX, frame.rows - head.length - body.length));
  const notes = room === 0 ? [] : story.notes.slice(-room).map((note) => [piece(`  ${note}`, "dim")]);
  return [...head, ...body, ...notes].slice(0, frame.rows).map((line) => paintLine(line, frame.columns, frame.colour));
}

function titleLine(scene: Scene, columns: number): Piece[] {
  const name = " Moult";
  const what = "  a release moves through a living fleet";
  const time = `${Math.floor(scene.elapsedMs / 1000)} s `;
  const gap = Math.max(1, columns - name.length - what.length - time.length);
  return [piece(name, "bold"), piece(what, "dim"), piece(" ".repeat(gap)), piece(time, "dim")];
}

function stepLine({ step, steps, title }: Story): Piece[] {
  return [piece(` ${step}/${steps} `, "cyan"), piece(title, "bold")];
}

function boxHead(): Piece[] {
  return [piece(` ${"box".padEnd(8)} ${"version".padEnd(8)} ${"state".padEnd(9)} load`, "dim")];
}

function boxLine({ box, version, state, loadRatio, loadRps }: BoxScene): Piece[] {
  return [
    piece(` ${box.padEnd(8)} `),
    piece(`${(version === "" ? "-" : version).padEnd(8)} `, versionStyle(version)),
    piece(`${state.padEnd(9)} `, STATE_STYLES[state] ?? "dim"),
    piece(bar(loadRatio, BAR_WIDTH), loadRatio > 0.95 ? "yellow" : "plain"),
    piece(` ${loadRps.toFixed(0).padStart(3)} req/s`, "dim"),
  ];
}

/** Versions differ by colour, so that a release can be watched moving down the list. */
function versionStyle(version: string): Style {
  if (version.startsWith("2.")) return "cyan";
  return version.startsWith("3.") ? "red" : "plain";
}

function figureLines(scene: Scene): Piece[][] {
  const { capacityAllRps, capacityServingRps, offeredRps, refusals } = scene;
  const share = capacityAllRps > 0 ? capacityServingRps / capacityAllRps : 0;
  const short = capacityServingRps < offeredRps;
  const capacity = `${capacityServingRps.toFixed(0)} of ${capacityAllRps.toFixed(0)} req/s can be carried now`;
  return [
    [
      piece(" fleet    "),
      piece(demandBar(share, capacityAllRps > 0 ? offeredRps / capacityAllRps : 0), short ? "red" : "green"),
      piece(` ${offeredRps.toFixed(0)} asked`, short ? "red" : "bold"),
    ],
    [piece(`          ${capacity}; the mark is what is asked for`, "dim")],
    [
      piece(" refused  "),
      piece(`by 1 allowlist ${refusals.allowlist}   2 dial ${refusals.dial}   3 capacity ${refusals.capacity}`),
      ...(scene.brake ? [piece("   brake on", "red")] : []),
    ],
    [
      piece(" traffic  "),
      piece(`${scene.requestsTotal} requests   `),
      piece(`${scene.requestsFailed} failed`, scene.requestsFailed > 0 ? "red" : "green"),
      piece(`   half within ${scene.latencyP50Ms} ms, 99 % within ${scene.latencyP99Ms} ms`, "dim"),
    ],
  ];
}

/** The fleet's capacity as a bar, with a mark where the demand stands. */
function demandBar(servingRatio: number, demandRatio: number): string {
  const mark = Math.round(Math.min(1, Math.max(0, demandRatio)) * (FLEET_BAR_WIDTH - 1));
  const cells = bar(servingRatio, FLEET_BAR_WIDTH);
  return `${cells.slice(0, mark)}┃${cells.slice(mark + 1)}`;
}
