/** Attacks by what carries a brake, an override or a receipt, and on who may move when. No mirror is needed. */
import type { KeyPair } from "../../keys.ts";
import { formatStatement, parseStatement } from "../../statement/envelope.ts";
import { StatementError } from "../../statement/errors.ts";
import { LIFETIME_MAX_MS, payloadTypeOf } from "../../statement/kinds.ts";
import { type StatementRules, signStatement, verifyStatement } from "../../statement/statement.ts";
import { withinCohort } from "../form/cohort-bound.ts";
import type { Attack } from "./attack.ts";
import { text } from "./forge.ts";
import { KEYS, T, publicHex } from "./world.ts";

const HOUR_MS = 3_600_000;

interface Said {
  readonly network: string;
  readonly issuedMs: number;
  readonly expiresMs: number;
}

function said(over: Partial<Said> = {}): Uint8Array {
  return text(JSON.stringify({ network: "demo", issuedMs: T, expiresMs: T + HOUR_MS, ...over }));
}

function read(payload: Uint8Array): Said & { readonly body: string } {
  return { ...(JSON.parse(Buffer.from(payload).toString("utf8")) as Said), body: "brake" };
}

const RULES: StatementRules<string> = {
  kind: "brake",
  network: "demo",
  keys: [publicHex(KEYS.breaker)],
  threshold: 1,
  read,
  nowMs: T,
};

function brakeBy(key: KeyPair, over: Partial<Said> = {}): Uint8Array {
  return signStatement("brake", { payload: said(over) }, key.privateKey);
}

function statement(
  name: string,
  expected: string,
  bytes: () => Uint8Array,
  over: Partial<StatementRules<string>> = {},
): Attack {
  const alone = (): string => {
    try {
      verifyStatement(bytes(), { ...RULES, ...over });
      return "accepted";
    } catch (error) {
      if (error instanceof StatementError) return `brake ${error.code}`;
      throw error;
    }
  };
  return { name, expected, stock: "none", attack: () => undefined, alone };
}

const NODE = "node-1";
const NOBODY_YET = { seed: "01".repeat(32), steps: [{ notBeforeMs: T, sharePpm: 1_000_000 }] };
const NOBODY = { seed: "01".repeat(32), steps: [{ notBeforeMs: 0, sharePpm: 0 }] };

function cohort(name: string, bound: typeof NOBODY, nowMs: number): Attack {
  const alone = (): string => (withinCohort(bound, NODE, nowMs) ? "accepted" : "stays");
  return { name, expected: "stays", stock: "none", attack: () => undefined, alone };
}

export const STATEMENT_ATTACKS: readonly Attack[] = [
  statement("a brake as it should be", "accepted", () => brakeBy(KEYS.breaker)),
  statement("a brake by a stranger", "brake SIGNATURES_TOO_FEW", () => brakeBy(KEYS.stranger)),
  statement("a brake of another network", "brake OTHER_NETWORK", () => brakeBy(KEYS.breaker, { network: "other" })),
  statement("a brake from long ago", "brake EXPIRED", () => brakeBy(KEYS.breaker), { nowMs: T + HOUR_MS }),
  statement("a brake for ever", "brake LIVES_TOO_LONG", () =>
    brakeBy(KEYS.breaker, { expiresMs: T + LIFETIME_MAX_MS.brake + 1 }),
  ),
  statement("an override in the place of a brake", "brake OTHER_KIND", () =>
    signStatement("override", { payload: said() }, KEYS.breaker.privateKey),
  ),
  statement("an override that is relabelled as a brake", "brake SIGNATURES_TOO_FEW", () => {
    const override = signStatement("override", { payload: said() }, KEYS.breaker.privateKey);
    return formatStatement({ ...parseStatement(override), payloadType: payloadTypeOf("brake") });
  }),
  statement("a brake whose payload was changed", "brake SIGNATURES_TOO_FEW", () =>
    formatStatement({
      ...parseStatement(brakeBy(KEYS.breaker)),
      unverifiedPayload: said({ expiresMs: T + 2 * HOUR_MS }),
    }),
  ),
  statement(
    "one breaker's signature twice",
    "brake ENVELOPE_INVALID",
    () => {
      const { signatures, ...rest } = parseStatement(brakeBy(KEYS.breaker));
      return formatStatement({ ...rest, signatures: [...signatures, ...signatures] });
    },
    { threshold: 2 },
  ),
  statement("a brake that nobody has to sign", "brake SIGNATURES_TOO_FEW", () => brakeBy(KEYS.stranger), {
    threshold: 0,
  }),
  statement("an envelope with more in it", "brake ENVELOPE_INVALID", () => {
    const envelope = Buffer.from(brakeBy(KEYS.breaker)).toString("utf8");
    return text(envelope.replace("{", '{"note":1,'));
  }),
  cohort("a move before the first step", NOBODY_YET, T - 1),
  cohort("a move although the share is nothing", NOBODY, T),
];
