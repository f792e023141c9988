import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Node } from "../domain/node.ts";
import { START_MS, askOf, emptyLedger, enrolled, originOf, releaseOf, situationOf } from "../testing/fleet.ts";
import { publish, readmit, setDial } from "./administer.ts";
import { ask } from "./ask.ts";
import type { Change } from "./changes.ts";
import { explain } from "./explain.ts";
import type { Ledger } from "./ledger.ts";
import { report } from "./report.ts";

const MINUTE_MS = 60_000;

/** A node of a fleet in which everybody may move by gates 1 and 2. */
function start(): {
  ledger: Ledger;
  node: Node;
  speak: (bootId: string, now: number, sequence?: number) => readonly Change[];
} {
  const ledger = emptyLedger();
  publish(ledger, releaseOf(2));
  setDial(ledger, "2.0.0", { kind: "everyone" }, START_MS);
  const node = enrolled(ledger, "n1");
  const speak = (bootId: string, now: number, sequence?: number): readonly Change[] => {
    const origin = { ...originOf("n1"), bootId, ...(sequence !== undefined && { sequence }) };
    return report(ledger, node, { ...origin, kind: "pulse", situation: situationOf() }, now).changes;
  };
  return { ledger, node, speak };
}

function kinds(changes: readonly Change[]): readonly string[] {
  return changes.map(({ kind }) => kind);
}

describe("two boots by turns", () => {
  it("are a clone: quarantined once, written down, and granted nothing", () => {
    const { ledger, node, speak } = start();
    let now = START_MS;
    const found: Change[] = [];
    for (let turn = 0; turn < 8; turn += 1, now += MINUTE_MS) found.push(...speak(turn % 2 === 0 ? "one" : "two", now));
    expect(node.quarantine?.message).toContain("by turns");
    expect(kinds(found)).toEqual(["quarantined", "node"]);
    for (const bootId of ["one", "two"]) {
      const { answer } = ask(ledger, node, askOf("n1", { bootId }), now);
      expect(answer.decision).toBe("STAY");
    }
    const { gates } = ask(ledger, node, askOf("n1", { bootId: node.bootId }), now).answer;
    expect(gates.at(-1)).toMatchObject({ gate: "DIAL", passed: false, reason: "QUARANTINED" });
    expect(explain(ledger, node, undefined, now)).toMatchObject({ decision: "STAY" });
  });

  it("are found among asks too", () => {
    const { ledger, node } = start();
    const found = [0, 1, 2, 3, 4, 5].flatMap((turn) => {
      const event = askOf("n1", { bootId: turn % 2 === 0 ? "one" : "two" });
      return ask(ledger, node, event, START_MS + turn * MINUTE_MS).changes;
    });
    expect(kinds(found)).toContain("quarantined");
  });

  it("give back a permit at the last check", () => {
    const { ledger, node } = start();
    const company = enrolled(ledger, "n2");
    report(
      ledger,
      company,
      { ...originOf("n2"), kind: "pulse", situation: situationOf({ capacityRps: 900 }) },
      START_MS,
    );
    const staged = { bootId: "one", stagedDigest: releaseOf(2).builds[0]?.digest ?? "" };
    const { answer } = ask(ledger, node, askOf("n1", staged), START_MS);
    if (answer.decision !== "GO") throw new Error(answer.message);
    node.quarantine = { message: "two devices", atMs: START_MS };
    const last = askOf("n1", { ...staged, permitId: answer.permit.permitId, drained: true });
    expect(ask(ledger, node, last, START_MS + 1).answer).toMatchObject({ decision: "STAY", reason: "QUARANTINED" });
    expect(node.permit).toBeUndefined();
  });

  it("that an operator readmits may move again, and are found again", () => {
    const { ledger, node, speak } = start();
    let now = START_MS;
    const turns = (): void => {
      for (let turn = 0; turn < 8; turn += 1, now += MINUTE_MS) speak(turn % 2 === 0 ? "one" : "two", now);
    };
    turns();
    expect(kinds(readmit(node, "wiped the card").changes)).toEqual(["readmitted", "node"]);
    expect(readmit(node, "again").changes).toEqual([]);
    expect(ask(ledger, node, askOf("n1", { bootId: node.bootId }), now).answer.decision).toBe("PREPARE");
    turns();
    expect(node.quarantine).toBeDefined();
  });
});

describe("no clone is", () => {
  it("a box that reboots, however often, and whose last words come late or twice", () => {
    const times = fc.array(fc.record({ lateMs: fc.nat(10_000), upMs: fc.nat(4 * MINUTE_MS), copies: fc.nat(3) }), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(times, (boots) => {
        const { node, speak } = start();
        let now = START_MS;
        let sequence = 0;
        boots.forEach(({ lateMs, upMs, copies }, index) => {
          speak(`boot-${index}`, now, (sequence += 1));
          // What the boot before had under way arrives within the ten seconds that calls last.
          for (let copy = 0; copy < copies; copy += 1) {
            speak(`boot-${index}`, now + lateMs / 2, (sequence += 1));
            speak(`boot-${index - 1}`, now + lateMs, (sequence += 1));
          }
          now += 10_000 + upMs;
          speak(`boot-${index}`, now, (sequence += 1));
        });
        expect(node.quarantine).toBeUndefined();
      }),
    );
  });

  it("a host that was set back to an earlier boot and speaks alone", () => {
    const { node, speak } = start();
    speak("one", START_MS);
    speak("two", START_MS + 1);
    for (let minute = 2; minute < 20; minute += 1) speak("one", START_MS + minute * MINUTE_MS);
    expect(node.quarantine).toBeUndefined();
  });

  it("one old message that is shown again and again", () => {
    const { node, speak } = start();
    speak("one", START_MS, 1);
    speak("two", START_MS + 1, 2);
    for (let day = 1; day < 9; day += 1) {
      speak("one", START_MS + day * 24 * 60 * MINUTE_MS, 3);
      speak("two", START_MS + day * 24 * 60 * MINUTE_MS + 1, 10 + day);
    }
    expect(node.quarantine).toBeUndefined();
  });
});
