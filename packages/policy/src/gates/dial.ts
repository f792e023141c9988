/**
 * Gate 2. May this node move now, by policy? It knows the dial, the council's bound, brakes and who the node is, and nothing
 * of builds or of load. The dial, a named set included, can only be tighter than the council's bound.
 */
import type { Brake, Dial, LabelSelector, SignedBrake } from "../domain/dial.ts";
import type { Cohort } from "../domain/release.ts";
import { pass, refuse, refuseUntil } from "../domain/said.ts";
import type { GateResult, Measure } from "../domain/verdict.ts";
import { outsideCohort } from "./cohort.ts";
import { sharePosition } from "./share.ts";

/** What gate 2 looks at. */
export interface DialInput {
  readonly nodeId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Seed of the release's share. */
  readonly seed: string;
  /** Undefined where it was never turned: nobody. */
  readonly dial: Dial | undefined;
  readonly brake: Brake;
  /** Breakers' brakes that the council has not lifted. Those that have ended do not count. */
  readonly signedBrakes: readonly SignedBrake[];
  /** The council's bound for the build in question; undefined for none. */
  readonly cohort: Cohort | undefined;
  readonly now: number;
  /** Why the node is granted nothing, whatever the dial says; undefined where nothing is the matter. */
  readonly quarantine?: string | undefined;
}

/** Judges one node. */
export function dialGate(input: DialInput): GateResult {
  const { dial, brake, quarantine } = input;
  if (quarantine !== undefined) return refuse("DIAL", "QUARANTINED", () => quarantine);
  if (brake.engaged) return refuse("DIAL", "BRAKED", () => `the brake is on: ${brake.reason}`);
  const signed = input.signedBrakes.find(({ expiresAtMs }) => expiresAtMs > input.now);
  if (signed !== undefined) {
    const words = (): string => `a breaker's brake holds until ${iso(signed.expiresAtMs)}: ${signed.reason}`;
    return refuseUntil(signed.expiresAtMs, { gate: "DIAL", reason: "BRAKED" }, words);
  }
  const said = dialSays(input, dial);
  return said.passed ? (outsideCohort(input.cohort, input.nodeId, input.now) ?? said) : said;
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function dialSays(input: DialInput, dial: Dial | undefined): GateResult {
  const setting = dial?.setting ?? { kind: "nobody" };
  switch (setting.kind) {
    case "nobody":
      return refuse("DIAL", "DIAL_NOBODY", "the dial stands at nobody");
    case "everyone":
      return pass("DIAL", "the dial stands at everyone");
    case "named":
      return setting.nodes.has(input.nodeId) || setting.selectors.some((selector) => matches(selector, input.labels))
        ? pass("DIAL", "the dial names this node")
        : refuse("DIAL", "DIAL_NOT_NAMED", "the dial names other nodes");
    case "share": {
      const position = sharePosition(input.seed, input.nodeId);
      const measures = (): readonly Measure[] => [
        { name: "position_ratio", value: position },
        { name: "share_ratio", value: setting.fraction },
      ];
      const words = (): string => `position ${position.toFixed(4)}, share ${setting.fraction}`;
      return position < setting.fraction
        ? pass("DIAL", () => `inside the share: ${words()}`, measures)
        : refuse("DIAL", "DIAL_OUTSIDE_SHARE", () => `outside the share: ${words()}`, measures);
    }
  }
}

function matches(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  return (
    selector.length > 0 &&
    selector.every(({ key, values }) => Object.hasOwn(labels, key) && values.includes(labels[key] ?? ""))
  );
}
