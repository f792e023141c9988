/** A share as people write it: `25%` or `0.25`. */
import { usageError } from "../errors.ts";

const DECIMAL = /^\d{1,3}(?:\.\d{1,9})?$/;

/** The share as a fraction, 0 to 1. */
export function parseShare(text: string): number {
  const percent = text.endsWith("%");
  const digits = percent ? text.slice(0, -1) : text;
  const fraction = DECIMAL.test(digits) ? Number(digits) / (percent ? 100 : 1) : Number.NaN;
  if (fraction >= 0 && fraction <= 1) return fraction;
  throw usageError(`"${text}" is not a share.`, "Write it as 0% to 100%, or as 0 to 1.");
}
