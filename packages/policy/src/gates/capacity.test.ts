/** Gate 3 on a pool of equal nodes: who may go, who may not, and what it says. */
import { describe, expect, test } from "vitest";
import { NO_SITUATION } from "../domain/situation.ts";
import { Absences } from "../pool/absence.ts";
import { POOL_DEFAULTS } from "../pool/config.ts";
import { type Member, Pool } from "../pool/pool.ts";
import { capacityGate } from "./capacity.ts";

const MINUTE_MS = 60_000;
const START_MS = 1_767_571_200_000;

interface Case {
  readonly pool: Pool;
  readonly members: readonly Member[];
  readonly now: number;
}

/** Ten nodes of ten units each that carry a load for some minutes. */
function poolAt(loadRps: number, minutes = 1): Case {
  const pool = new Pool("p", { ...POOL_DEFAULTS, marginRatio: 0 });
  const members = Array.from({ length: 10 }, (_, node) => pool.enrol(`n${node}`, []));
  let now = START_MS;
  for (let minute = 0; minute < minutes; minute += 1, now += MINUTE_MS) {
    for (const member of members) {
      pool.report(member, { ...NO_SITUATION, capacityRps: 10, loadRps, workState: "SERVING" }, now);
    }
    pool.age(now);
  }
  return { pool, members, now };
}

function judge(
  { pool, members }: Case,
  more: { readonly hold?: Member; readonly pressure?: number } = {},
): ReturnType<typeof capacityGate> {
  const [member] = members as readonly [Member];
  return capacityGate({
    pool,
    member,
    curve: new Absences(5 * MINUTE_MS).curve("d", "m"),
    interruptible: true,
    override: undefined,
    thorough: true,
    hold: more.hold,
    pressure: more.pressure ?? 0,
  });
}

describe("gate 3", () => {
  test("lets go where the rest carries the load and a reserve", () => {
    expect(judge(poolAt(5))).toMatchObject({ passed: true, reason: "PASSED" });
  });

  test("refuses where the largest node that is left could not vanish too", () => {
    const result = judge(poolAt(8.5));
    expect(result).toMatchObject({ passed: false, reason: "CAPACITY_SHORT" });
    expect(result.measures.find(({ name }) => name === "reserve_rps")?.value).toBeGreaterThanOrEqual(10);
    expect(result.message).toMatch(/short of/);
  });

  test("keeps room for the hold", () => {
    const tight = poolAt(7);
    expect(judge(tight).passed).toBe(true);
    expect(judge(tight, { hold: tight.members[1] as Member }).passed).toBe(false);
  });

  test("keeps less in reserve as a deadline comes near, never less than the largest node", () => {
    const reserve = (pressure: number): number =>
      judge(poolAt(9), { pressure }).measures.find(({ name }) => name === "reserve_rps")?.value ?? 0;
    expect(reserve(1)).toBeLessThanOrEqual(reserve(0));
    expect(reserve(1)).toBeGreaterThanOrEqual(10);
  });

  test("says INFEASIBLE once a day has shown no moment that would do, and not before", () => {
    expect(judge(poolAt(9.5, 600)).reason).toBe("CAPACITY_SHORT");
    const known = judge(poolAt(9.5, 1500));
    expect(known).toMatchObject({ passed: false, reason: "INFEASIBLE" });
    expect(known.message).toMatch(/waiting will not help/);
    expect(known.measures.find(({ name }) => name === "infeasible_shortfall_rps")?.value).toBeGreaterThan(0);
  });
});
