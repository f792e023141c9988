/**
 * Pearson's χ² against uniform, and how likely so large a value is by chance. The survival function is the regularised
 * upper incomplete gamma function Q(k/2, χ²/2) (Abramowitz and Stegun, 26.4.19), by its series (6.5.29) where that
 * converges and by its continued fraction (6.5.31) elsewhere; ln Γ by Stirling's series (6.1.41) after shifting.
 */

/** More terms than either expansion needs for double precision at the degrees of freedom used here. */
const TERMS_MAX = 10_000;
const PRECISION = 1e-14;

/** How many of `times` fall into each of `bins` equal parts of [0, within). Times outside are an error of the caller's. */
export function histogram(times: readonly number[], within: number, bins: number): readonly number[] {
  const counts = Array.from({ length: bins }, () => 0);
  for (const time of times) {
    if (!(time >= 0 && time < within)) throw new RangeError(`${time} is not within [0, ${within})`);
    const bin = Math.min(bins - 1, Math.floor((time / within) * bins));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}

/** The probability that counts of a uniform law differ from it by as much as these, or more. */
export function uniformP(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  return chiSquareSurvival(chiSquare, counts.length - 1);
}

/** P(X ≥ chiSquare) for X of `degrees` degrees of freedom. */
export function chiSquareSurvival(chiSquare: number, degrees: number): number {
  const a = degrees / 2;
  const x = chiSquare / 2;
  if (x <= 0) return 1;
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a));
  return x < a + 1 ? 1 - scale * series(a, x) : scale * continuedFraction(a, x);
}

function series(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; n < TERMS_MAX && term > sum * PRECISION; n += 1) {
    term *= x / (a + n);
    sum += term;
  }
  return sum;
}

/** Evaluated from its front by Lentz's method. */
function continuedFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let value = d;
  for (let n = 1; n < TERMS_MAX; n += 1) {
    const factor = -n * (n - a);
    b += 2;
    d = 1 / (factor * d + b);
    c = b + factor / c;
    const change = c * d;
    value *= change;
    if (Math.abs(change - 1) < PRECISION) break;
  }
  return value;
}

function logGamma(value: number): number {
  let z = value;
  let shift = 0;
  for (; z < 12; z += 1) shift -= Math.log(z);
  const inverse = 1 / z;
  const square = inverse * inverse;
  const tail = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)));
  return shift + (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + tail;
}
