/** What nodes tell without asking: pulses, the steps of an absence, outcomes. Repeats are no-ops. */
import type { Node, NodeRunning, NodeState } from "../domain/node.ts";
import type { OutcomeRecord } from "../domain/outcome.ts";
import type { PermitPhase } from "../domain/permit.ts";
import type { Situation } from "../domain/situation.ts";
import { type Change, type Step, joined } from "./changes.ts";
import { type Ledger, stateOf } from "./ledger.ts";
import { watchForClone } from "./clone.ts";
import { comeBack, endPermit } from "./permits.ts";
import { type Origin, isNews, isOvertaken, memberEffects, noteOrder, routerView, takeIn } from "./situation.ts";
import { expireDue } from "./tick.ts";

/** A report, as it comes from the wire. */
export type ReportEvent = Origin & { readonly situation: Situation } & (
    | { readonly kind: "pulse" }
    | { readonly kind: "progress"; readonly permitId: string; readonly phase: PermitPhase }
    | {
        readonly kind: "outcome";
        /** Empty where the move ended before a permit was granted. */
        readonly permitId: string;
        readonly outcome: OutcomeRecord;
        readonly running: Omit<NodeRunning, "platform">;
      }
  );

/** Takes a report in; answers how the node is counted now. The node must have been admitted. */
export function report(ledger: Ledger, node: Node, event: ReportEvent, now: number): Step<NodeState> {
  const expired = expireDue(ledger, now);
  const before = routerView(ledger, node, now);
  const changes: Change[] = [...expired.changes, ...watchForClone(node, event, now)];
  const overtaken = isOvertaken(node, event);
  const news = isNews(node, event, now);
  // The permit's step first: it decides whether the node's word brings capacity.
  switch (event.kind) {
    case "pulse":
      break;
    case "progress":
      changes.push(...progress(ledger, node, event, now));
      break;
    case "outcome":
      changes.push(...conclude(ledger, node, event, { now, overtaken }));
      break;
  }
  if (news) takeIn(ledger, node, event.situation, now);
  if (event.kind !== "pulse") noteOrder(node, event);
  // Pulses never become rows; what is a step of an absence does.
  if (event.kind !== "pulse") changes.push({ kind: "node", node });
  const effects = joined(expired.effects, memberEffects(ledger, node, before, now));
  return { answer: stateOf(ledger, node, now), changes, effects };
}

/** RETURNED is believed only of a node that is away and says that it works again. */
function progress(
  ledger: Ledger,
  node: Node,
  event: { readonly permitId: string; readonly phase: PermitPhase; readonly situation: Situation },
  now: number,
): readonly Change[] {
  const permit = node.permit;
  if (permit === undefined || permit.permitId !== event.permitId) return [];
  const { workState } = event.situation;
  const works = workState === "SERVING" || workState === "NONE";
  if (event.phase !== "RETURNED" || permit.phase !== "AWAY" || !works) return [];
  return comeBack(ledger, node, permit, now);
}

function conclude(
  ledger: Ledger,
  node: Node,
  event: {
    readonly permitId: string;
    readonly outcome: OutcomeRecord;
    readonly running: Omit<NodeRunning, "platform">;
  },
  { now, overtaken }: { readonly now: number; readonly overtaken: boolean },
): readonly Change[] {
  const { outcome } = event;
  const changes: Change[] = [];
  const permit = node.permit;
  if (permit !== undefined && permit.permitId === event.permitId) {
    changes.push(...endPermit(ledger, node, permit, { end: outcome.kind, now }));
  }
  const key = `${event.permitId} ${outcome.targetDigest} ${outcome.kind} ${outcome.reason}`;
  if (key === node.lastOutcomeKey || overtaken) return changes;
  node.lastOutcomeKey = key;
  node.lastOutcome = outcome;
  if (node.running !== undefined) node.running = { ...event.running, platform: node.running.platform };
  if (outcome.kind === "COMMITTED") ledger.tally.committed += 1;
  if (outcome.kind === "REVERTED") ledger.tally.reverted += 1;
  const { nodeId, poolId } = node;
  changes.push({ kind: "outcome", nodeId, poolId, outcome });
  return changes;
}
