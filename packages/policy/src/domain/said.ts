/**
 * Answers whose sentences and numbers are written only when somebody reads them: nearly all are never read, and an ask must
 * cost microseconds. The words must depend on nothing that changes afterwards.
 */
import type { GateName, GateResult, Measure, Reason, Verdict } from "./verdict.ts";

/** A sentence, or what writes it. */
export type Words = string | (() => string);

const NO_MEASURES: readonly Measure[] = [];

/** What a gate said. */
export class Said implements GateResult {
  readonly gate: GateName;
  readonly passed: boolean;
  readonly reason: Reason;
  readonly untilMs: number | undefined;
  readonly #words: Words;
  readonly #numbers: (() => readonly Measure[]) | undefined;

  constructor(
    head: Pick<GateResult, "gate" | "passed" | "reason" | "untilMs">,
    words: Words,
    numbers?: () => readonly Measure[],
  ) {
    this.gate = head.gate;
    this.passed = head.passed;
    this.reason = head.reason;
    this.untilMs = head.untilMs;
    this.#words = words;
    this.#numbers = numbers;
  }

  get message(): string {
    return written(this.#words);
  }

  get measures(): readonly Measure[] {
    return this.#numbers === undefined ? NO_MEASURES : this.#numbers();
  }
}

type StayVerdict = Extract<Verdict, { readonly decision: "STAY" }>;

/** A node is to stay. */
export class Stay implements StayVerdict {
  readonly decision = "STAY";
  readonly gates: readonly GateResult[];
  readonly reason: Reason;
  readonly retryAfterMs: number;
  readonly #words: Words;

  constructor(gates: readonly GateResult[], reason: Reason, words: Words, retryAfterMs: number) {
    this.gates = gates;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
    this.#words = words;
  }

  get message(): string {
    return written(this.#words);
  }
}

/** A gate lets pass. */
export function pass(gate: GateName, words: Words, numbers?: () => readonly Measure[]): GateResult {
  return new Said({ gate, passed: true, reason: "PASSED" }, words, numbers);
}

/** A gate refuses. */
export function refuse(gate: GateName, reason: Reason, words: Words, numbers?: () => readonly Measure[]): GateResult {
  return new Said({ gate, passed: false, reason }, words, numbers);
}

/** A gate refuses until a moment that is known; undefined where none is. */
export function refuseUntil(
  untilMs: number | undefined,
  head: { readonly gate: GateName; readonly reason: Reason },
  words: Words,
  numbers?: () => readonly Measure[],
): GateResult {
  return new Said({ ...head, passed: false, untilMs }, words, numbers);
}

function written(words: Words): string {
  return typeof words === "string" ? words : words();
}
