/** A node that keeps asking is let go where a window exists, and is told within a day where none does. */
import { describe, expect, test } from "vitest";
import type { Node } from "../domain/node.ts";
import { POOL_DEFAULTS } from "../pool/config.ts";
import { type LedgerConfig } from "./ledger.ts";
import {
  CONFIG,
  START_MS,
  askOf,
  digest,
  emptyLedger,
  enrolled,
  originOf,
  releaseOf,
  situationOf,
} from "../testing/fleet.ts";
import { publish, setDial } from "./administer.ts";
import { ask } from "./ask.ts";
import { report } from "./report.ts";

const MINUTE_MS = 60_000;
const HOUR_MIN = 60;
const ON_ASK = { stagedDigest: digest("2") };

/** The whole look ahead, as coordinators run it. */
const FULL: LedgerConfig = { ...CONFIG, pool: POOL_DEFAULTS };

interface Told {
  readonly decision: string;
  readonly reason: string;
  readonly atMin: number;
}

/** Five nodes of which one asks every quarter of an hour while all report each minute; what it is told, when that changes. */
function story(days: number, load: (minute: number) => number): readonly Told[] {
  const ledger = emptyLedger(FULL);
  publish(ledger, releaseOf(2));
  setDial(ledger, "2.0.0", { kind: "everyone" }, START_MS);
  const nodes: readonly Node[] = ["a", "b", "c", "d", "e"].map((id) => enrolled(ledger, id));
  const told: Told[] = [];
  for (let minute = 0; minute < days * 24 * HOUR_MIN; minute += 1) {
    const now = START_MS + minute * MINUTE_MS;
    const situation = situationOf({ loadRps: load(minute) });
    for (const node of nodes)
      report(ledger, node, { kind: "pulse", ...originOf(node.identity.nodeId), situation }, now);
    if (minute % 15 !== 0) continue;
    const first = nodes[0] as Node;
    const { answer } = ask(ledger, first, askOf("a", { ...ON_ASK, situation }), now);
    const reason = answer.decision === "STAY" ? answer.reason : "";
    if (told.at(-1)?.reason !== reason) told.push({ decision: answer.decision, reason, atMin: minute });
    if (answer.decision === "GO") break;
  }
  return told;
}

describe("a node that keeps asking", () => {
  test("is told INFEASIBLE within a day where no moment would do", () => {
    const told = story(2, () => 9.5);
    expect(told.map(({ reason }) => reason)).toEqual(["CAPACITY_SHORT", "INFEASIBLE"]);
    expect(told.at(-1)?.atMin).toBeLessThanOrEqual(24 * HOUR_MIN);
  });

  test("is let go in the first night that has room, after a day without any", () => {
    const night = (minute: number): boolean => minute > 26 * HOUR_MIN && minute % (24 * HOUR_MIN) < 5 * HOUR_MIN;
    const told = story(3, (minute) => (night(minute) ? 4 : 9.5));
    expect(told.at(-1)).toMatchObject({ decision: "GO" });
    expect(told.at(-1)?.atMin).toBeLessThan(2 * 24 * HOUR_MIN + 5 * HOUR_MIN);
  });
});
