/**
 * How long absences last: the share that is still away after so many minutes, learned from those that ended and from those
 * that have not (a life table). A node that overstays is at risk in every minute it stays away, so the curve flattens for it,
 * and nobody counts on its return.
 */
import { MINUTE_MS } from "./risk.ts";

/** Minutes that are told apart; what lasts longer is taken to last for ever. */
const LONGEST_MIN = 90;
/** What is assumed before anything was observed weighs as much as this many absences. */
const PRIOR_WEIGHT = 20;
/** Until it is known better, one absence in a hundred is taken never to end. */
const PRIOR_NEVER = 0.01;
/** An absence is assumed to be over by its predicted time with this probability. */
const PRIOR_OVER = 0.9;

/** The life table of one build on one model. */
export class AbsenceCurve {
  /** Share still away after that many minutes. */
  #survival: Float64Array;
  readonly #prior: Float64Array;
  readonly #atRisk = new Float64Array(LONGEST_MIN);
  readonly #ended = new Float64Array(LONGEST_MIN);
  /** Nodes that are away, by the minute in which they left. */
  readonly #away = new Map<number, number>();
  #tableMinute = Number.NEGATIVE_INFINITY;

  constructor(prior: Float64Array) {
    this.#prior = prior;
    this.#survival = prior;
  }

  /** The share still away after that many minutes: 1 at 0. */
  survival(minutes: number): number {
    return this.#survival[Math.min(LONGEST_MIN, Math.max(0, minutes))] as number;
  }

  /** The table, to start the next build's from. */
  get table(): Float64Array {
    return this.#survival;
  }

  /** A node leaves. */
  left(minute: number): void {
    this.#away.set(minute, (this.#away.get(minute) ?? 0) + 1);
  }

  /** The absence that began then is over; `known` where the node came back, not where nobody knows. */
  ended(leftMinute: number, minute: number, known: boolean): void {
    const count = (this.#away.get(leftMinute) ?? 0) - 1;
    if (count > 0) this.#away.set(leftMinute, count);
    else this.#away.delete(leftMinute);
    if (!known) return;
    const last = Math.min(LONGEST_MIN - 1, Math.max(0, minute - leftMinute));
    for (let age = 0; age <= last; age += 1) this.#atRisk[age] = (this.#atRisk[age] as number) + 1;
    this.#ended[last] = (this.#ended[last] as number) + 1;
  }

  /** Makes the table anew, once a minute at most. */
  refresh(minute: number): void {
    if (minute === this.#tableMinute) return;
    this.#tableMinute = minute;
    const away = this.#awayAtAge(minute);
    const survival = new Float64Array(LONGEST_MIN + 1);
    let left = 1;
    survival[0] = 1;
    for (let age = 0; age < LONGEST_MIN; age += 1) {
      const priorAtRisk = PRIOR_WEIGHT * (this.#prior[age] as number);
      const priorEnded = priorAtRisk - PRIOR_WEIGHT * (this.#prior[age + 1] as number);
      const atRisk = priorAtRisk + (this.#atRisk[age] as number) + (away[age] as number);
      if (atRisk > 0) left *= 1 - (priorEnded + (this.#ended[age] as number)) / atRisk;
      survival[age + 1] = left;
    }
    this.#survival = survival;
  }

  /** How many that are away now have passed each age. */
  #awayAtAge(minute: number): Float64Array {
    const passed = new Float64Array(LONGEST_MIN + 1);
    for (const [leftMinute, count] of this.#away) {
      const age = Math.min(LONGEST_MIN, Math.max(0, minute - leftMinute));
      if (age > 0) passed[age - 1] = (passed[age - 1] as number) + count;
    }
    for (let age = LONGEST_MIN - 1; age > 0; age -= 1) {
      passed[age - 1] = (passed[age - 1] as number) + (passed[age] as number);
    }
    return passed;
  }
}

/** The life tables of a coordinator, by build and model. A new build starts from what its model's last one was like. */
export class Absences {
  readonly #prior: Float64Array;
  readonly #byBuild = new Map<string, Map<string, AbsenceCurve>>();
  readonly #latest = new Map<string, AbsenceCurve>();

  constructor(predictedMs: number) {
    this.#prior = priorTable(predictedMs);
  }

  /** The table for a build on a model, made where there was none. */
  curve(digest: string, model: string): AbsenceCurve {
    let byModel = this.#byBuild.get(digest);
    if (byModel === undefined) this.#byBuild.set(digest, (byModel = new Map()));
    let curve = byModel.get(model);
    if (curve === undefined) {
      curve = new AbsenceCurve(this.#latest.get(model)?.table ?? this.#prior);
      byModel.set(model, curve);
      this.#latest.set(model, curve);
    }
    return curve;
  }
}

/** A third of the predicted time nobody is back; then they come back evenly, and most are by the predicted time. */
function priorTable(predictedMs: number): Float64Array {
  const predicted = Math.max(1, predictedMs / MINUTE_MS);
  const still = predicted / 3;
  return Float64Array.from({ length: LONGEST_MIN + 1 }, (_, minute) =>
    minute <= still
      ? 1
      : PRIOR_NEVER + (1 - PRIOR_NEVER) * (1 - PRIOR_OVER) ** ((minute - still) / (predicted - still)),
  );
}
