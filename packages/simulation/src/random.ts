/**
 * Randomness without state: a draw is a hash of (seed, stream, subject, count), so a world is the same whatever order it is
 * asked in, whichever policy runs in it, and however it is split over threads. Nothing else in the simulator is random.
 */

/** What a draw is for. Each stream is independent of all others. */
export const STREAM = {
  capacity: 1,
  stable: 2,
  isp: 3,
  session: 4,
  outage: 5,
  utilisation: 6,
  peak: 7,
  noise: 8,
  drain: 9,
  update: 10,
  hang: 11,
  askPhase: 12,
  retry: 13,
  pulsePhase: 14,
  share: 15,
  message: 16,
  pull: 17,
  liar: 18,
  failure: 19,
  restart: 20,
  powerCut: 21,
} as const;

/** The name of a stream. */
export type Stream = (typeof STREAM)[keyof typeof STREAM];

/** 2^-32: turns 32 bits into a fraction. */
const FRACTION = 1 / 4_294_967_296;

/** Uniform in (0, 1): never 0, so that its logarithm is finite. */
export function uniform(seed: number, stream: Stream, subject: number, count = 0): number {
  let h = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(stream, 0xc2b2ae35);
  h = mix(h ^ Math.imul(subject + 0x165667b1, 0x27d4eb2f));
  h = mix(h ^ Math.imul(count + 0x2545f491, 0x9e3779b1));
  return ((h >>> 0) + 0.5) * FRACTION;
}

/** Exponential with the given mean. */
export function exponential(mean: number, seed: number, stream: Stream, subject: number, count = 0): number {
  return -mean * Math.log(uniform(seed, stream, subject, count));
}

/** Standard normal. */
export function normal(seed: number, stream: Stream, subject: number, count = 0): number {
  const radius = Math.sqrt(-2 * Math.log(uniform(seed, stream, subject, 2 * count)));
  return radius * Math.cos(2 * Math.PI * uniform(seed, stream, subject, 2 * count + 1));
}

/** The finaliser of a 32-bit multiply-xorshift hash: every bit of the input reaches every bit of the output. */
function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return h ^ (h >>> 16);
}
