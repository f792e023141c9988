/** The view for everything that is no terminal: a line for each thing that happens, and now and then how it stands. */
import type { Scene } from "./scene.ts";
import type { View } from "./view.ts";

/** Between two lines on how it stands, in milliseconds. */
const STANDING_EVERY_MS = 5000;

/** A view that hands finished lines to `write`. `nowMs` counts from the beginning of the demo. */
export function createPlainView(write: (line: string) => void, nowMs: () => number): View {
  let standingDueMs = STANDING_EVERY_MS;
  let open = true;
  const line = (text: string): void => write(`${(nowMs() / 1000).toFixed(1).padStart(6)} s  ${text}`);
  return {
    begin: (step, steps, title) => line(`[${step}/${steps}] ${title}`),
    tell: (sentence) => line(`      ${sentence}`),
    draw: (scene) => {
      if (!open || scene.elapsedMs < standingDueMs) return;
      standingDueMs = scene.elapsedMs + STANDING_EVERY_MS;
      line(`      ${standing(scene)}`);
    },
    close: () => void (open = false),
  };
}

/** How it stands, in one line. */
export function standing(scene: Scene): string {
  const versions = new Map<string, number>();
  for (const { version } of scene.boxes) versions.set(version, (versions.get(version) ?? 0) + 1);
  const runs = [...versions].map(([version, count]) => `${count} on ${version === "" ? "nothing yet" : version}`);
  const capacity = `${scene.offeredRps.toFixed(0)} of ${scene.capacityServingRps.toFixed(0)} req/s used`;
  const { allowlist, dial, capacity: short } = scene.refusals;
  const refused = `refused ${allowlist}/${dial}/${short}`;
  return `… ${runs.join(", ")}; ${capacity}; ${scene.requestsFailed} of ${scene.requestsTotal} failed; ${refused}`;
}
