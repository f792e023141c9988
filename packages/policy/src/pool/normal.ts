/** The tail of the normal distribution, and back: rational approximations that are right to three digits. */

/** Tails from here on need no deviations at all. */
export const TAIL_MOST = 0.5;

/** How likely a normal variable is to lie more than `z` deviations above its mean; z is 0 or more. */
export function tailBeyond(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const density = Math.exp(-(z * z) / 2) / Math.sqrt(2 * Math.PI);
  return density * t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
}

/**
 * The same for a variable that is skewed, as sums of a few large losses are (Cornish and Fisher's first term). At most
 * doubled: beyond that the approximation says nothing.
 */
export function skewed(z: number, skewness: number): number {
  return z <= 1 ? z : Math.min(2 * z, z + ((z * z - 1) * Math.max(0, skewness)) / 6);
}

/** How many deviations above the mean leave that tail (Abramowitz and Stegun 26.2.23); 0 for a tail of a half or more. */
export function deviationsFor(tail: number): number {
  if (tail >= TAIL_MOST) return 0;
  const t = Math.sqrt(-2 * Math.log(tail));
  return t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
}
