/** What the demo showed, for people: what happened, the figures, where to go next. Pure. */
import type { Claim, Figures } from "../figures.ts";

/** The closing words. `story` is what happened, a sentence a line. */
export function summarise(figures: Figures, claims: readonly Claim[], story: readonly string[]): string[] {
  const { refusals } = figures;
  const row = (name: string, value: string): string => `  ${name.padEnd(30)} ${value}`;
  return [
    "",
    "What happened",
    ...story.map((sentence) => `  - ${sentence}`),
    "",
    "Measured from outside",
    row("requests", `${figures.requestsTotal}, of which ${figures.requestsFailed} failed`),
    row("away at once, at most", `${figures.awayAtOnceMax} of ${figures.nodes} nodes`),
    row("an absence, in the middle", `${(figures.awayMsMedian / 1000).toFixed(1)} s`),
    row("capacity above demand", figures.capacityFloorHeld ? "at every look" : "NOT always"),
    row(
      "asks refused, by gate",
      `${refusals.allowlist} allowlist, ${refusals.dial} dial, ${refusals.capacity} capacity`,
    ),
    row("took", `${figures.durationS.toFixed(0)} s`),
    "",
    "Checked",
    ...claims.map(({ text, holds }) => `  ${holds ? "yes" : "NO "}  ${text}`),
    "",
    "Where to go next",
    "  npm run demo -- --keep             keep the fleet up and try the commands yourself",
    "  npm run demo -- --force-gate 3     open gate 3 and watch the same traffic fail",
    "  docs/concepts.md                   the words and the flow, in ten minutes",
    "  proto/moult/v1                     the contract, field by field",
    "",
  ];
}
