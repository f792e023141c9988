/**
 * A gate's result whose sentence and numbers are written only when somebody reads them: nearly all refusals are never read,
 * and an ask must cost microseconds.
 */
import type { GateName, GateResult, Measure, Reason } from "../domain/verdict.ts";

/** What a gate said, put into words on demand. The words must depend on nothing that changes afterwards. */
export class Said implements GateResult {
  readonly gate: GateName;
  readonly passed: boolean;
  readonly reason: Reason;
  readonly infeasible: boolean;
  readonly #words: () => string;
  readonly #numbers: () => readonly Measure[];

  constructor(
    head: { readonly gate: GateName; readonly passed: boolean; readonly reason: Reason; readonly infeasible?: boolean },
    words: () => string,
    numbers: () => readonly Measure[] = noMeasures,
  ) {
    this.gate = head.gate;
    this.passed = head.passed;
    this.reason = head.reason;
    this.infeasible = head.infeasible ?? false;
    this.#words = words;
    this.#numbers = numbers;
  }

  get message(): string {
    return this.#words();
  }

  get measures(): readonly Measure[] {
    return this.#numbers();
  }
}

function noMeasures(): readonly Measure[] {
  return [];
}
