/** The balancer: who gets work, who does not, and that it forgets nothing it counted. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Balancer, type Member, type MemberState } from "./balancer.ts";

function member(node: string, more: Partial<Member> = {}): Member {
  return { node, state: "SERVING", endpoint: `127.0.0.1:${node}`, capacityRps: 10, version: "1.0.0", ...more };
}

describe("choose", () => {
  it("finds nobody where nobody takes work", () => {
    const balancer = new Balancer();
    expect(balancer.choose()).toBeUndefined();
    balancer.apply([member("1", { state: "LEAVING" }), member("2", { endpoint: "" })], true);
    expect(balancer.choose()).toBeUndefined();
  });

  it("lets equal nodes take turns", () => {
    const balancer = new Balancer();
    balancer.apply([member("1"), member("2"), member("3")], true);
    const order = Array.from({ length: 6 }, () => {
      const node = balancer.choose()?.node ?? "";
      balancer.release(node);
      return node;
    });
    expect(order).toEqual(["1", "2", "3", "1", "2", "3"]);
  });

  it("gives a node of twice the capacity twice the work", () => {
    const balancer = new Balancer();
    balancer.apply([member("small"), member("large", { capacityRps: 20 })], true);
    const chosen = Array.from({ length: 30 }, () => balancer.choose()?.node);
    expect(chosen.filter((node) => node === "large")).toHaveLength(20);
  });

  it("sends nothing to a node from the moment it is said to leave, and again once it is back", () => {
    const balancer = new Balancer();
    balancer.apply([member("1"), member("2")], true);
    expect(balancer.apply([member("1", { state: "LEAVING" })], false)).toEqual([{ node: "1", kind: "RETIRED" }]);
    for (let i = 0; i < 5; i += 1) expect(balancer.choose()?.node).toBe("2");
    expect(balancer.apply([member("1", { state: "AWAY" })], false)).toEqual([]);
    expect(balancer.apply([member("1", { state: "RETURNED" })], false)).toEqual([{ node: "1", kind: "ADMITTED" }]);
    expect(balancer.choose()?.node).toBe("1");
  });

  it("forgets who is not in a snapshot", () => {
    const balancer = new Balancer();
    balancer.apply([member("1"), member("2")], true);
    expect(balancer.apply([member("2")], true)).toEqual([{ node: "1", kind: "RETIRED" }]);
    expect(balancer.choose()?.node).toBe("2");
  });
});

describe("ejection", () => {
  it("keeps an unreachable node out until a probe succeeds", () => {
    const balancer = new Balancer();
    balancer.apply([member("1"), member("2")], true);
    expect(balancer.eject("1")).toBe(true);
    expect(balancer.eject("1")).toBe(false);
    expect(balancer.choose()?.node).toBe("2");
    expect(balancer.awaitsProbe("1")).toBe(true);
    balancer.readmit("1");
    expect(balancer.choose()?.node).toBe("1");
  });

  it("is not ended by a snapshot that says the same again, but by news of the node", () => {
    const balancer = new Balancer();
    balancer.apply([member("1")], true);
    balancer.eject("1");
    balancer.apply([member("1")], true);
    expect(balancer.choose()).toBeUndefined();
    balancer.apply([member("1", { state: "LOST" })], false);
    expect(balancer.awaitsProbe("1")).toBe(false);
    balancer.apply([member("1")], false);
    expect(balancer.choose()?.node).toBe("1");
  });
});

describe("at all times", () => {
  const states: MemberState[] = ["SERVING", "RETURNED", "LEAVING", "AWAY", "LOST"];
  const nodes = fc.constantFrom("a", "b", "c");
  const step = fc.oneof(
    fc.record({ kind: fc.constant("news" as const), node: nodes, state: fc.constantFrom(...states) }),
    fc.record({ kind: fc.constant("request" as const) }),
    fc.record({ kind: fc.constant("end" as const) }),
    fc.record({ kind: fc.constant("eject" as const), node: nodes }),
    fc.record({ kind: fc.constant("readmit" as const), node: nodes }),
  );

  it("chooses only a node that takes work and is not ejected, and never one that is busier than another", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const balancer = new Balancer();
        const open: string[] = [];
        for (const next of steps) {
          if (next.kind === "news") balancer.apply([member(next.node, { state: next.state })], false);
          else if (next.kind === "eject") balancer.eject(next.node);
          else if (next.kind === "readmit") balancer.readmit(next.node);
          else if (next.kind === "end") {
            const node = open.shift();
            if (node !== undefined) balancer.release(node);
          } else {
            const before = balancer.members();
            const fit = before.filter((m) => !m.ejected && ["SERVING", "RETURNED"].includes(m.member.state));
            const chosen = balancer.choose();
            expect(chosen === undefined).toBe(fit.length === 0);
            if (chosen === undefined) continue;
            open.push(chosen.node);
            const least = Math.min(...fit.map((m) => m.inFlight));
            expect(fit.find((m) => m.member.node === chosen.node)?.inFlight).toBe(least);
          }
        }
        expect(balancer.members().reduce((sum, m) => sum + m.inFlight, 0)).toBe(open.length);
      }),
    );
  });
});
